import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "#test/support/memory-store.ts";
import { LabState } from "./lab-state.ts";

test("what is read again for another try does not bring back what is gone by then", async (t) => {
  const store = memoryStore();
  let gone = Promise.withResolvers<void>();
  const state = new LabState(store, () => gone.resolve());
  await state.follow(t.signal, assert.ifError);
  await state.change([{ kind: "put", key: "server/other", value: "{}" }]);
  gone = Promise.withResolvers();
  const { get } = store;
  store.get = async (key) => {
    const read = await get.call(store, key);
    await store.delete(key);
    await gone.promise;
    return read;
  };
  const plans: string[][] = [];
  await state.settle(() => {
    plans.push(Array.from(state.servers.keys()));
    const isFirst = plans.length === 1;
    return { changes: isFirst ? [{ kind: "check", key: "server/other", expected: 99 }] : [], result: undefined };
  });
  assert.deepEqual(plans, [["other"], []]);
});
