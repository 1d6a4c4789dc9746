import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store, StoreEvent } from "#pkg/store/store.ts";
import { StoreProcess } from "./store-process.ts";

/** Where a test keeps its state: what was written through one store is there for the next one. */
export interface StorePlace extends AsyncDisposable {
  open(): Promise<Store>;
  /** As another process names it; undefined for what is in this process alone. */
  readonly spec: string | undefined;
}

interface Numbered {
  readonly revision?: number;
}

/** A watch of a test's own, taken event by event. */
function watching(store: Store, prefix: string) {
  const controller = new AbortController();
  const events = store.watch(prefix, controller.signal)[Symbol.asyncIterator]();
  const next = async (): Promise<StoreEvent> => {
    const { value, done } = await events.next();
    assert.ok(done !== true, "the watch ended");
    return value;
  };
  return {
    next,
    /** The events up to the one that tells of a key. */
    async until(key: string): Promise<readonly StoreEvent[]> {
      const told: StoreEvent[] = [];
      for (;;) {
        const event = await next();
        told.push(event);
        const entries = event.kind === "snapshot" ? event.entries : event.kind === "put" ? [event.entry] : [];
        if (entries.some((entry) => entry.key === key)) {
          return told;
        }
      }
    },
    async [Symbol.asyncDispose]() {
      controller.abort();
      await events.return?.();
    },
  };
}

/** What every backend of Store promises; skipped with the reason why it is not to be had here. */
export function storeContract(backend: string, skip: string | undefined, makePlace: () => Promise<StorePlace>): void {
  const contract = (promise: string, body: (store: Store) => Promise<void>) =>
    test(`${backend}: ${promise}`, { skip }, async () => {
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
      [() => store.put("a", "2", 0), `key "a" is at revision ${there} and not at 0`],
      [() => store.delete("a", there + 1), `key "a" is at revision ${there} and not at ${there + 1}`],
      [() => store.put("b", "2", 7), 'key "b" is at revision 0 and not at 7'],
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

  contract(
    "calls about a key take effect in the order they were made, whether or not they are waited for",
    async (store) => {
      const calls = Array.from({ length: 200 }, (_, index) => store.put("a", `${index}`));
      const listed = store.list("");
      const found = store.get("a");
      const [entries, entry, deleted] = [await listed, await found, await store.delete("a")];
      assert.deepEqual([entry?.value, entries, deleted], ["199", [entry], true]);
      const revisions = await Promise.all(calls);
      assert.deepEqual(
        revisions.toSorted((a, b) => a - b),
        revisions,
      );
    },
  );

  contract("a change of several keys is all or nothing, of one revision, and may end in a mere look", async (store) => {
    const old = await store.put("old", "1");
    const revision = await store.change([
      { kind: "put", key: "a", value: "1", expected: 0 },
      { kind: "put", key: "b", value: "2" },
      { kind: "delete", key: "old", expected: old },
      { kind: "delete", key: "never" },
      { kind: "check", key: "none", expected: 0 },
    ]);
    const made = await store.list("");
    const refused = store.change([
      { kind: "put", key: "c", value: "3" },
      { kind: "delete", key: "b" },
      { kind: "check", key: "a", expected: 0 },
    ]);
    await assert.rejects(refused, { code: "aborted", message: `key "a" is at revision ${revision} and not at 0` });
    const looked = await store.change([{ kind: "check", key: "a", expected: revision }]);
    assert.deepEqual(made, [
      { key: "a", value: "1", revision },
      { key: "b", value: "2", revision },
    ]);
    assert.deepEqual([await store.list(""), looked >= revision], [made, true]);
  });

  contract(
    "a change with a key twice, with too many keys or too large is refused and changes nothing",
    async (store) => {
      const put = (key: string, value = "") => ({ kind: "put", key, value }) as const;
      const refusals = [
        [[put("a"), put("b"), { kind: "check", key: "a", expected: 0 } as const], 'key "a" occurs twice in one change'],
        [Array.from({ length: 129 }, (_, index) => put(`${index}`)), "129 changes at once, at most 128 fit"],
        [[put("a", "x".repeat(2 ** 20))], "a change of 1048577 bytes, at most 1048576 fit"],
      ] as const;
      for (const [changes, message] of refusals) {
        await assert.rejects(store.change(changes), { code: "invalid_argument", message });
      }
      await store.change(Array.from({ length: 128 }, (_, index) => put(`${index}`)));
      assert.equal((await store.list("")).length, 128);
    },
  );

  contract(
    "the keys of a lease vanish when it is given up, but not those that were put again without it",
    async (store) => {
      await using lease = await store.lease(60_000);
      await store.put("freed", "1");
      await store.change([
        { kind: "put", key: "leased", value: "1", lease },
        { kind: "put", key: "freed", value: "2", lease },
        { kind: "put", key: "kept", value: "1", lease },
      ]);
      await store.put("kept", "2");
      const keys = async () => (await store.list("")).map(({ key }) => key);
      const before = await keys();
      await lease[Symbol.asyncDispose]();
      const after = await keys();
      await lease[Symbol.asyncDispose]();
      assert.deepEqual([before, after, lease.lost.aborted], [["freed", "kept", "leased"], ["kept"], false]);
      await assert.rejects(store.change([{ kind: "put", key: "late", value: "", lease }]), {
        code: "failed_precondition",
        message: "the lease is over",
      });
    },
  );

  contract("a watch tells what is there, then what happens under its prefix, in order", async (store) => {
    const first = await store.put("dev/a", "1");
    await using watch = watching(store, "dev/");
    const snapshot = await watch.next();
    await using lease = await store.lease(60_000);
    await store.put("other", "1");
    const both = await store.change([
      { kind: "put", key: "dev/b", value: "1", lease },
      { kind: "put", key: "dev/c", value: "1" },
    ]);
    const told = [await watch.next(), await watch.next()];
    await store.delete("dev/c");
    told.push(await watch.next());
    await lease[Symbol.asyncDispose]();
    told.push(await watch.next());
    const [, , { revision: third = 0 }, { revision: fourth = 0 }] = told as [unknown, unknown, Numbered, Numbered];
    assert.deepEqual(snapshot, { kind: "snapshot", entries: [{ key: "dev/a", value: "1", revision: first }] });
    assert.deepEqual(told, [
      { kind: "put", entry: { key: "dev/b", value: "1", revision: both } },
      { kind: "put", entry: { key: "dev/c", value: "1", revision: both } },
      { kind: "delete", key: "dev/c", revision: third },
      { kind: "delete", key: "dev/b", revision: fourth },
    ]);
    assert.ok(both < third && third < fourth);
  });

  contract(
    "a slow watcher is told the latest of each key, and what it missed by a snapshot when that is much",
    async (store) => {
      await using watch = watching(store, "");
      await watch.next();
      for (let round = 0; round < 10; round += 1) {
        await store.put("a", `${round}`);
        await store.put("b", `${round}`);
      }
      await store.put("a", "last");
      await store.put("end", "");
      const few = await watch.until("end");
      for (let round = 0; round < 40; round += 1) {
        await store.put(`large/${round}`, "x".repeat(900_000));
        await store.delete(`large/${round}`);
      }
      for (let round = 0; round < 30; round += 1) {
        await store.put(`many/${round}`, "x".repeat(1_000_000));
      }
      await store.put("last", "");
      const many = await watch.until("last");
      const latest = [await store.get("b"), await store.get("a")].map((entry) => ({ kind: "put", entry }));
      assert.deepEqual([few.slice(-3, -1), few.length < 22], [latest, true]);
      assert.deepEqual([many.at(-1)], [{ kind: "snapshot", entries: await store.list("") }]);
    },
  );

  contract("a watch ends without an error when its signal aborts and when the store is closed", async (store) => {
    const controller = new AbortController();
    const watches = [controller.signal, new AbortController().signal].map((signal) =>
      store.watch("", signal)[Symbol.asyncIterator](),
    );
    const begun = await Promise.all(watches.map((watch) => watch.next()));
    const ended = watches.map((watch) => watch.next());
    controller.abort();
    const first = await ended[0];
    await store[Symbol.asyncDispose]();
    assert.deepEqual(
      begun.map(({ value }) => value.kind),
      ["snapshot", "snapshot"],
    );
    assert.deepEqual([first, await ended[1]], Array(2).fill({ value: undefined, done: true }));
  });

  test(`${backend}: the keys of a lease vanish when the process that had it is killed, and no others`, {
    skip,
  }, async () => {
    await using place = await makePlace();
    if (place.spec === undefined) {
      return;
    }
    await using owner = await StoreProcess.start(place.spec);
    await owner.lease("leased", 2_000);
    await owner.put("kept", "1");
    await owner.kill();
    await using store = await place.open();
    await using watch = watching(store, "");
    const keys = new Set<string>();
    for (let first = true; first || keys.has("leased"); first = false) {
      const event = await watch.next();
      for (const { key } of event.kind === "snapshot" ? event.entries : []) {
        keys.add(key);
      }
      keys.delete(event.kind === "delete" ? event.key : "");
    }
    assert.deepEqual([...keys], ["kept"]);
  });

  test(`${backend}: what was written is there when the store is opened again, and revisions go on`, {
    skip,
  }, async () => {
    await using place = await makePlace();
    const before = await (async () => {
      await using store = await place.open();
      await store.put("a", "1");
      await store.put("gone", "1");
      await store.delete("gone");
      return await store.list("");
    })();
    await using store = await place.open();
    const after = await store.list("");
    const [known] = before;
    assert.deepEqual(after, before);
    assert.ok((await store.put("b", "2")) > (known?.revision ?? 0) + 1);
  });
}
