/** register.ts SERVER ADDRESS...: registers a device "board" at each address, and says what became of it, one line each. */
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";

const [server = "", ...addresses] = process.argv.slice(2);
using client = connectTo(parseAddress(server), { identity: undefined });
for (const address of addresses) {
  const outcome = await client.relay.register({ devices: ["board"], address }).then(
    () => "taken",
    (error: unknown) => (error instanceof DutError ? error.code : String(error)),
  );
  process.stdout.write(`${outcome}\n`);
}
