import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";

/** Asks an agent until none of its devices is in use or reserved. */
export async function untilFree({ address }: { readonly address: string }): Promise<void> {
  using connection = connectTo(parseAddress(address), { identity: undefined });
  for (;;) {
    const { devices } = await connection.devices.list({});
    if (devices.every(({ lock }) => lock === undefined)) {
      return;
    }
  }
}
