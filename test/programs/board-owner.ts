/** board-owner.ts KIND OPTIONS: opens a virtual board with options in JSON, switches it on, says so and waits to be killed. */
import { nodeHost } from "#pkg/host/node-host.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";

const [name = "", options = ""] = process.argv.slice(2);
const kind = moduleKinds.find((known) => known.name === name);
if (kind === undefined) {
  throw new Error(`there is no module ${name}`);
}
const { call } = recordedCall(["on"]);
const print = async (text: string) => {
  process.stdout.write(text);
  await new Promise((resolve) => setInterval(resolve, 2 ** 30));
};
await runModule(kind, JSON.parse(options), { ...call, session: { ...call.session, print } }, nodeHost());
