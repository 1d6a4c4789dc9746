import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";

const program = join(import.meta.dirname, "../peers/idle-sessions.ts");

/** Kilobytes that a client's session of HTTP/2 needs in a Node that does nothing with it, as the mean of so many. */
export async function bareSessionKilobytes(count: number): Promise<number> {
  const server = createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const child = spawn(process.execPath, [program, `${(server.address() as AddressInfo).port}`, `${count}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = await lineOf(child);
  server.close();
  return Number(said);
}

async function lineOf(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  let said = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    said += chunk;
  }
  return said;
}
