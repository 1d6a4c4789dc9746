import assert from "node:assert/strict";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";

/** Who quarrels. */
export const users = ["alice@h", "bob@h"];

/** Who has a device: what was acknowledged last, or after that what was asked for when the connection was lost. */
export interface Belief {
  known: string;
  asked: string | undefined;
}

/** Locks and unlocks one device for either user until nobody answers; every answer must fit what was known before. */
export async function quarrel(
  name: string,
  belief: Belief,
  clients: ReadonlyMap<string, Connection>,
  { random, acknowledged }: { random: () => number; acknowledged: () => void },
): Promise<void> {
  for (;;) {
    const user = users[Math.floor(random() * users.length)] ?? "";
    const wants = random() < 0.5 ? "lock" : "unlock";
    const { lab } = clients.get(user) as Connection;
    belief.asked = wants === "lock" ? user : "nobody";
    const answer = await (wants === "lock" ? lab.lock({ device: name }) : lab.unlock({ device: name })).then(
      () => "granted",
      (error: unknown) => (error instanceof DutError ? error.code : String(error)),
    );
    if (answer === "unavailable" || answer === "canceled") {
      return;
    }
    const granted = wants === "lock" ? ["nobody", user].includes(belief.known) : belief.known === user;
    assert.equal(answer === "granted", granted, `${user} ${wants} ${name} of ${belief.known}: ${answer}`);
    belief.known = granted ? belief.asked : belief.known;
    belief.asked = undefined;
    acknowledged();
  }
}

/** Compares what is with what is believed of each device, and believes it from then on. */
export async function settle(beliefs: Map<string, Belief>, at: { readonly address: string }): Promise<void> {
  const found = await owners(at);
  for (const [name, { known, asked }] of beliefs) {
    const owner = found.get(name) ?? "";
    assert.ok([known, asked].includes(owner), `${name} is ${owner}'s and should be ${known}'s, or ${asked}'s`);
    beliefs.set(name, { known: owner, asked: undefined });
  }
}

async function owners({ address }: { readonly address: string }): Promise<ReadonlyMap<string, string>> {
  using client = connectTo(parseAddress(address), { identity: undefined });
  const { devices } = await client.lab.list({});
  return new Map(devices.map(({ name, lock }) => [name, lock?.owner ?? "nobody"]));
}
