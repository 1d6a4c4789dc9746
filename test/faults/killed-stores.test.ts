import assert from "node:assert/strict";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { openStore } from "#pkg/store/open-store.ts";
import { parseStoreSpec } from "#pkg/store/store-spec.ts";
import { Etcd, etcdIsMissing } from "#test/support/etcd.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { StoreProcess } from "#test/support/store-process.ts";

const rounds = 100;
const keys = Array.from({ length: 16 }, (_, index) => `key${index}`);

type Writer = Pick<StoreProcess, "put" | "delete">;

/** What a key must be: what was acknowledged last, or after that what was asked for when everything stopped. */
interface Belief {
  known: string | undefined;
  asked: { readonly value: string | undefined } | undefined;
}

/** Changes one key again and again until that fails as it does when the other side is killed. */
async function write(store: Writer, key: string, belief: Belief, random: () => number, acknowledged: () => void) {
  for (;;) {
    const value = random() < 0.8 ? `${random()}` : undefined;
    belief.asked = { value };
    try {
      await (value === undefined ? store.delete(key) : store.put(key, value));
    } catch (error) {
      assert.ok(error instanceof DutError && error.code === "unavailable", String(error));
      return;
    }
    belief.known = value;
    belief.asked = undefined;
    acknowledged();
  }
}

/** All keys are written at once until `kill` is done, which happens when some changes have been acknowledged. */
async function round(store: Writer, beliefs: Map<string, Belief>, random: () => number, kill: () => Promise<unknown>) {
  let left = 1 + Math.floor(random() * 200);
  let killed: Promise<unknown> = Promise.resolve();
  const acknowledged = () => {
    left -= 1;
    killed = left === 0 ? kill() : killed;
  };
  const writing = Array.from(beliefs, ([key, belief]) => write(store, key, belief, random, acknowledged));
  await Promise.all(writing);
  assert.ok(left <= 0, "it was gone before it was killed");
  await killed;
}

/** Every key is as it must be; from then on that is what is known. */
function compare(beliefs: Map<string, Belief>, found: ReadonlyMap<string, string>, when: string): void {
  for (const [key, belief] of beliefs) {
    const possible = [belief.known, ...(belief.asked === undefined ? [] : [belief.asked.value])];
    assert.ok(possible.includes(found.get(key)), `${when}: ${key} is ${found.get(key)} and not one of ${possible}`);
    belief.known = found.get(key);
    belief.asked = undefined;
  }
}

const nothingKnown = () => new Map(keys.map((key): [string, Belief] => [key, { known: undefined, asked: undefined }]));

test(`nothing that was acknowledged is lost by ${rounds} processes with a store that are killed`, async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "killed-"));
  const random = pseudoRandom(1);
  const beliefs = nothingKnown();
  for (let index = 0; index < rounds; index += 1) {
    await using owner = await StoreProcess.start(directory.path);
    await round(owner, beliefs, random, () => owner.kill());
    await using store = await openStore({ kind: "sqlite", directory: directory.path }, { log: silentLog, env: {} });
    const found = new Map((await store.list("")).map(({ key, value }) => [key, value]));
    compare(beliefs, found, `round ${index}`);
  }
});

test(`nothing that was acknowledged is lost by ${rounds} times that etcd is killed`, {
  skip: etcdIsMissing,
}, async () => {
  await using etcd = await Etcd.start(1, { args: ["--heartbeat-interval", "10", "--election-timeout", "50"] });
  const spec = parseStoreSpec(`etcd://${etcd.addresses}`);
  await using store = await openStore(spec, { log: silentLog, env: {} });
  const random = pseudoRandom(2);
  const beliefs = nothingKnown();
  for (let index = 0; index < rounds; index += 1) {
    await round(store, beliefs, random, () => etcd.kill());
    await etcd.run();
    const found = new Map((await store.list("")).map(({ key, value }) => [key, value]));
    compare(beliefs, found, `round ${index}`);
  }
});
