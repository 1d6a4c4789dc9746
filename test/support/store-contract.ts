import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "#pkg/store/store.ts";

/** Where a test keeps its state: what was written through one store is there for the next one. */
export interface StorePlace extends AsyncDisposable {
  open(): Promise<Store>;
}

/** What every backend of Store promises. */
export function storeContract(backend: string, makePlace: () => Promise<StorePlace>): void {
  const contract = (promise: string, body: (store: Store) => Promise<void>) =>
    test(`${backend}: ${promise}`, async () => {
      await using place = await makePlace();
      await using store = await place.open();
      await body(store);
    });

  contract("a key is what was put last, with the revision of that, and nothing once it is deleted", async (store) => {
    const first = await store.put("a", "1");
    const second = await store.put("a", "2");
    const found = await store.get("a");
    const deleted = [await store.delete("a"), await store.delete("a")];
    assert.ok(0 < first && first < second);
    assert.deepEqual(
      [found, deleted, await store.get("a")],
      [{ key: "a", value: "2", revision: second }, [true, false], undefined],
    );
  });

  contract("values are any text", async (store) => {
    const texts = ["", "null", "zwölf 木 🪵", "a\nb\u{1b}", "x".repeat(1_000_000)];
    for (const text of texts) {
      await store.put(text.slice(0, 20), text);
    }
    const found = await Promise.all(texts.map((text) => store.get(text.slice(0, 20))));
    assert.deepEqual(
      found.map((entry) => entry?.value),
      texts,
    );
  });

  contract("a list has the keys of a prefix in the order of their bytes", async (store) => {
    const keys = ["lock/b", "lock/a", "lock/é", "lock/🪵", "lock/\u{ff5e}", "lock/B", "lock", "lock0", "other"];
    for (const key of keys) {
      await store.put(key, key);
    }
    const listed = async (prefix: string) => (await store.list(prefix)).map(({ value }) => value);
    const locks = ["lock/B", "lock/a", "lock/b", "lock/é", "lock/\u{ff5e}", "lock/🪵"];
    assert.deepEqual(
      [await listed("lock/"), await listed(""), await listed("none")],
      [locks, ["lock", ...locks, "lock0", "other"], []],
    );
  });

  contract("a change that expects another revision changes nothing and says what it found", async (store) => {
    const there = await store.put("a", "1", 0);
    const refusals = [
      [store.put("a", "2", 0), `key "a" is at revision ${there} and not at 0`],
      [store.delete("a", there + 1), `key "a" is at revision ${there} and not at ${there + 1}`],
      [store.put("b", "2", 7), 'key "b" is at revision 0 and not at 7'],
    ] as const;
    for (const [change, message] of refusals) {
      await assert.rejects(change, { code: "aborted", message });
    }
    assert.deepEqual(await store.list(""), [{ key: "a", value: "1", revision: there }]);
    const next = await store.put("a", "2", there);
    assert.deepEqual([await store.delete("a", next), await store.list("")], [true, []]);
  });

  contract("of many that expect the same revision one wins", async (store) => {
    const rivals = Array.from({ length: 50 }, (_, index) => store.put("a", `${index}`, 0));
    const outcomes = await Promise.allSettled(rivals);
    const winners = outcomes.flatMap(({ status }, index) => (status === "fulfilled" ? [`${index}`] : []));
    assert.deepEqual([(await store.get("a"))?.value], winners);
  });

  test(`${backend}: what was written is there when the store is opened again, and revisions go on`, async () => {
    await using place = await makePlace();
    const before = await (async () => {
      await using store = await place.open();
      await store.put("a", "1");
      await store.put("gone", "1");
      await store.delete("gone");
      return store.list("");
    })();
    await using store = await place.open();
    const after = await store.list("");
    const [known] = before;
    assert.deepEqual(after, before);
    assert.ok((await store.put("b", "2")) > (known?.revision ?? 0) + 1);
  });
}
