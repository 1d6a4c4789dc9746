import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { silentLog } from "#pkg/log/log.ts";
import { defineModule } from "#pkg/modules/module.ts";
import { openBench } from "./bench.ts";

/** A kind of module that writes down what becomes of it, and does not open when it is named "broken". */
function diaryKind(diary: string[]) {
  return defineModule({
    name: "part",
    summary: "",
    config: z.strictObject({ name: z.string() }),
    help: () => "",
    resources: ({ name }) => [{ kind: "part", name }],
    async open({ name }) {
      if (name === "broken") {
        throw new DutError("not_found", "no such hardware", { hint: "plug it in" });
      }
      diary.push(`opened ${name}`);
      return {
        run: async () => {},
        async [Symbol.asyncDispose]() {
          diary.push(`closed ${name}`);
        },
      };
    },
  });
}

const config = (kind: ReturnType<typeof diaryKind>) =>
  parseConfig(
    "test.yaml",
    `devices:
  one:
    cmds:
      good: { uses: [{ module: part, with: { name: a } }, { module: part, with: { name: b } }] }
      bad: { uses: [{ module: part, with: { name: c } }, { module: part, with: { name: broken } }] }
  two:
    cmds:
      good: { uses: [{ module: part, with: { name: d } }] }
`,
    [kind],
  );

const context = { host: {} as Host, log: silentLog, signal: new AbortController().signal };

test("a module that does not open disables its command with the reason and no other", async () => {
  const diary: string[] = [];
  await using bench = await openBench(config(diaryKind(diary)), context);
  const { device, command, module } = bench.failures[0] ?? {};
  assert.deepEqual([bench.failures.length, device, command, module], [1, "one", "bad", "part"]);
  assert.throws(() => bench.devices.get("one")?.commands.get("bad")?.modules(), {
    code: "failed_precondition",
    message: 'device "one": command "bad" is disabled: module part: no such hardware (plug it in)',
  });
  assert.equal(bench.devices.get("one")?.commands.get("good")?.modules().length, 2);
  assert.equal(bench.devices.get("two")?.commands.get("good")?.modules().length, 1);
});

test("everything that opened is closed", async () => {
  const diary: string[] = [];
  {
    await using _ = await openBench(config(diaryKind(diary)), context);
  }
  const names = (verb: string) =>
    diary
      .filter((line) => line.startsWith(verb))
      .map((line) => line.slice(verb.length + 1))
      .sort();
  assert.deepEqual(
    [names("opened"), names("closed")],
    [
      ["a", "b", "c", "d"],
      ["a", "b", "c", "d"],
    ],
  );
});

test("a module that throws while it closes hinders no other", async () => {
  const diary: string[] = [];
  const good = diaryKind(diary);
  const rude = defineModule({
    name: "rude",
    summary: "",
    config: z.strictObject({}),
    help: () => "",
    open: async () => ({ run: async () => {}, [Symbol.asyncDispose]: () => Promise.reject(new Error("stuck")) }),
  });
  const mixed = parseConfig(
    "test.yaml",
    "devices: { d: { cmds: { c: { uses: [{ module: rude }, { module: part, with: { name: a } }] } } } }",
    [good, rude],
  );
  await (await openBench(mixed, context))[Symbol.asyncDispose]();
  assert.deepEqual(diary, ["opened a", "closed a"]);
});

/** Devices that run something, as the test says. */
function occupied() {
  const busy = new Set<string>();
  const listeners = new Set<(device: string) => void>();
  return {
    busy,
    free(device: string) {
      busy.delete(device);
      for (const listener of listeners) {
        listener(device);
      }
    },
    holdOf: (device: string) => (busy.has(device) ? {} : undefined),
    onChange(listener: (device: string) => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

/** Devices with one module each, by the name of the module. */
function devices(modules: Readonly<Record<string, string>>, kind: ReturnType<typeof diaryKind>) {
  const cmds = (part: string) => ({ go: { uses: [{ module: "part", with: { name: part } }] } });
  const entries = Object.entries(modules).map(([device, part]) => [device, { cmds: cmds(part) }]);
  return parseConfig("test.yaml", JSON.stringify({ devices: Object.fromEntries(entries) }), [kind]);
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

test("a reload leaves alone what has not changed, closes before it opens, and tells what happened", async () => {
  const diary: string[] = [];
  const kind = diaryKind(diary);
  await using bench = await openBench(devices({ same: "a", changed: "b", gone: "c" }, kind), context);
  const same = bench.devices.get("same");
  diary.length = 0;
  const told: string[] = [];
  using _ = bench.onChange((device) => told.push(device));
  await bench.reload(devices({ new: "d", changed: "B", same: "a" }, kind), occupied());
  assert.deepEqual(Array.from(bench.devices.keys()).sort(), ["changed", "new", "same"]);
  assert.equal(bench.devices.get("same"), same);
  assert.deepEqual(diary.toSorted(), ["closed b", "closed c", "opened B", "opened d"]);
  assert.ok(diary.indexOf("closed b") < diary.indexOf("opened B"));
  assert.deepEqual(Array.from(new Set(told)).sort(), ["changed", "gone", "new"]);
});

test("another description or label is told at once, also while something runs, and closes nothing", async () => {
  const diary: string[] = [];
  const kind = diaryKind(diary);
  const described = (desc: string, labels: object) => {
    const cmds = { go: { uses: [{ module: "part", with: { name: "a" } }] } };
    return parseConfig("test.yaml", JSON.stringify({ devices: { board: { desc, labels, cmds } } }), [kind]);
  };
  await using bench = await openBench(described("old", {}), context);
  const told: string[] = [];
  using _ = bench.onChange((device) => told.push(device));
  const occupancy = occupied();
  occupancy.busy.add("board");
  await bench.reload(described("new", {}), occupancy);
  await bench.reload(described("new", { rack: "left" }), occupancy);
  await bench.reload(described("new", { rack: "left" }), occupancy);
  const { config, retiring } = bench.devices.get("board") ?? {};
  assert.deepEqual([config?.description, config?.labels, retiring], ["new", new Map([["rack", "left"]]), undefined]);
  assert.deepEqual([told, diary], [["board", "board"], ["opened a"]]);
});

test("what runs on a device that changes is waited for, and nothing new starts until then", async () => {
  const diary: string[] = [];
  const kind = diaryKind(diary);
  await using bench = await openBench(devices({ changed: "b", gone: "c" }, kind), context);
  const occupancy = occupied();
  occupancy.busy.add("changed").add("gone");
  const reloading = bench.reload(devices({ changed: "B" }, kind), occupancy);
  await tick();
  const reasons = Array.from(bench.devices, ([name, { retiring }]) => [name, retiring]);
  assert.deepEqual(reasons, [
    ["changed", "it is configured anew and waits for what runs on it"],
    ["gone", "it was taken out of the configuration and waits for what runs on it"],
  ]);
  assert.throws(() => bench.devices.get("gone")?.commands.get("go")?.modules(), {
    code: "failed_precondition",
    message: 'device "gone": it was taken out of the configuration and waits for what runs on it',
  });
  assert.deepEqual(diary, ["opened b", "opened c"]);
  occupancy.free("changed");
  occupancy.free("gone");
  await reloading;
  assert.deepEqual(
    Array.from(bench.devices, ([name, { retiring }]) => [name, retiring]),
    [["changed", undefined]],
  );
  assert.deepEqual(diary.slice(2).toSorted(), ["closed b", "closed c", "opened B"]);
});

test("a device that is put back while it waits goes on as if nothing had been", async () => {
  const diary: string[] = [];
  const kind = diaryKind(diary);
  const before = devices({ board: "a" }, kind);
  await using bench = await openBench(before, context);
  const occupancy = occupied();
  occupancy.busy.add("board");
  const first = bench.reload(devices({ other: "b" }, kind), occupancy);
  await bench.reload(before, occupancy);
  await first;
  assert.deepEqual(
    Array.from(bench.devices, ([name, { retiring }]) => [name, retiring]),
    [["board", undefined]],
  );
  occupancy.free("board");
  await tick();
  assert.deepEqual(
    diary.filter((line) => line.endsWith(" a")),
    ["opened a"],
  );
});

test("a device that takes over the hardware of one that leaves opens after that one has closed", async () => {
  const diary: string[] = [];
  const kind = diaryKind(diary);
  await using bench = await openBench(devices({ old: "port" }, kind), context);
  const occupancy = occupied();
  occupancy.busy.add("old");
  const reloading = bench.reload(devices({ renamed: "port" }, kind), occupancy);
  await tick();
  assert.deepEqual(diary, ["opened port"]);
  occupancy.free("old");
  await reloading;
  assert.deepEqual(diary, ["opened port", "closed port", "opened port"]);
});

test("closing the bench ends a reload that waits", async () => {
  const diary: string[] = [];
  const kind = diaryKind(diary);
  const bench = await openBench(devices({ board: "a" }, kind), context);
  const occupancy = occupied();
  occupancy.busy.add("board");
  const reloading = bench.reload(devices({ other: "b", board: "A" }, kind), occupancy);
  await bench[Symbol.asyncDispose]();
  await reloading;
  assert.deepEqual(
    [
      diary.filter((line) => line.startsWith("opened")).length,
      diary.filter((line) => line.startsWith("closed")).length,
    ],
    [2, 2],
  );
});
