/** board-owner.ts STATE: opens the virtual board in a state directory, switches it on, says so and waits to be killed. */
import { nodeHost } from "#pkg/host/node-host.ts";
import { uml } from "#pkg/modules/uml/uml.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";

const [state = ""] = process.argv.slice(2);
const { call } = recordedCall(["on"]);
const print = async (text: string) => {
  process.stdout.write(text);
  await new Promise((resolve) => setInterval(resolve, 2 ** 30));
};
await runModule(uml, { state }, { ...call, session: { ...call.session, print } }, nodeHost());
