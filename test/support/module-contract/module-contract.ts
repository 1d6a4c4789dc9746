import assert from "node:assert/strict";
import { test } from "node:test";
import { describeCommand } from "#pkg/config/describe-command.ts";
import type { ModuleKind } from "#pkg/modules/module.ts";
import {
  failEachStepOfOpening,
  giveUpEachStepOfOpening,
  missEveryProgram,
  openAndClose,
  stopEachStepOfRunning,
} from "./disturbances.ts";
import { type ExampleUse, examplesOf } from "./example-uses.ts";
import { documentedArguments } from "./module-readme.ts";
import { openMappings, secretOptions, undescribed } from "./schema-faults.ts";

const canary = "canary-5f1d";

/** Declares as tests what every kind of module promises. The options and arguments are those of its README's examples. */
export function moduleContract(kind: ModuleKind, readme: string): void {
  const { name, schema } = kind;

  test(`${name} refuses options that it does not have, at every depth`, () => {
    const { error } = schema.safeParse({ "no-such-option": 1 });
    const refused = error?.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
    assert.deepEqual({ refused, openMappings: openMappings(kind) }, { refused: ["no-such-option"], openMappings: [] });
  });

  test(`${name} describes itself and every option`, () => {
    assert.notEqual(kind.summary, "");
    assert.deepEqual(undescribed(kind), []);
  });

  test(`${name} has examples that use it and whose commands can be described`, () => {
    const { commands, uses } = examplesOf(kind, readme);
    assert.notEqual(uses.length, 0, "no example uses it");
    assert.deepEqual(
      commands.filter((command) => describeCommand(command).trim() === ""),
      [],
    );
  });

  test(`${name} has a help that names the arguments in its README and tells no secret`, () => {
    const helps = examplesOf(kind, readme).uses.flatMap(({ options }) => helpsOf(kind, options));
    assert.deepEqual(
      helps.filter((help) => help.trim() === "" || help.includes(canary)),
      [],
    );
    const unnamed = Array.from(documentedArguments(readme)).filter(
      (each) => !helps.some((help) => help.includes(each)),
    );
    assert.deepEqual(unnamed, []);
  });

  for (const [promise, hold] of Object.entries(promises)) {
    test(`${name} ${promise}`, async () => {
      for (const use of examplesOf(kind, readme).uses) {
        await hold(use);
      }
    });
  }
}

const promises: Readonly<Record<string, (use: ExampleUse) => Promise<void>>> = {
  "leaves nothing behind when it was opened and closed, twice too": openAndClose,
  "leaves nothing behind when something fails while it opens": failEachStepOfOpening,
  "leaves nothing behind when nobody wants it any more while it opens": giveUpEachStepOfOpening,
  "names the program that it misses when there is none": missEveryProgram,
  "ends its run with the signal's reason, whatever it is at, and leaves nothing behind": stopEachStepOfRunning,
};

/** Of a module as it is configured, and with each secret that it may have. */
function helpsOf(kind: ModuleKind, options: ExampleUse["options"]): readonly string[] {
  const secrets = secretOptions(kind).map((name) => ({ ...options, [name]: canary }));
  return [options, ...secrets]
    .filter((given) => kind.schema.safeParse(given).success)
    .map((given) => kind.configure(given).help);
}
