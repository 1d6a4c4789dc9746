/** slow-line.ts TARGET MILLISECONDS: a proxy that adds so much in each direction; says its address. The end of stdin ends it. */
import { once } from "node:events";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";

const [target = "", delay = "0"] = process.argv.slice(2);
await using proxy = await openTcpProxy(target, () => ({ delayMs: Number(delay) }));
process.stdout.write(`${proxy.address}\n`);
await once(process.stdin.resume(), "end");
