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
  assert.throws(() => bench.devices.get("one")?.get("bad")?.modules(), {
    code: "failed_precondition",
    message: 'device "one": command "bad" is disabled: module part: no such hardware (plug it in)',
  });
  assert.equal(bench.devices.get("one")?.get("good")?.modules().length, 2);
  assert.equal(bench.devices.get("two")?.get("good")?.modules().length, 1);
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
