import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { ModuleKind } from "#pkg/modules/module.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { openMachineTime } from "#test/support/machine-time.ts";
import { Encounters } from "#test/support/module-contract/encounters.ts";
import { type ExampleUse, examplesOf } from "#test/support/module-contract/example-uses.ts";
import { metCall } from "#test/support/module-contract/met-call.ts";
import { Holdings, obligingHost } from "#test/support/module-contract/obliging-host.ts";
import { openRollCall, type RollCall } from "#test/support/roll-call.ts";

/** What the run engine waits for a module whose run was stopped, in milliseconds. */
const stopMs = 12_000;

/** Of a run on a computer where nothing answers. */
const startsNothing = "it starts no program";

const enough = new DutError("canceled", "enough");

test("a tool that hangs and does not hear SIGTERM is gone when its run was stopped, with the reason of the stop", {
  timeout: 120_000,
}, async (t) => {
  await using roll = await openRollCall();
  const uses = moduleKinds.flatMap((kind) => usesOf(kind));
  const ends = await Promise.all(
    uses.map(async (use, index) => ({ module: use.module.name, end: await stopDeafTool(use, roll, `tool-${index}`) })),
  );
  const spawning = ends.filter(({ end }) => end !== startsNothing);
  t.diagnostic(
    `${spawning.length} of ${uses.length} examples start a program: ${spawning.map(({ module }) => module)}`,
  );
  assert.deepEqual(
    spawning,
    spawning.map(({ module }) => ({ module, end: enough })),
  );
  assert.ok(spawning.some(({ module }) => module === "shell"));
});

function usesOf(kind: ModuleKind): readonly ExampleUse[] {
  const readme = join(import.meta.dirname, `../../pkg/modules/${kind.name}/README.md`);
  return examplesOf(kind, readFileSync(readme, "utf8")).uses;
}

/** Stops a run when it has started a program, and resolves with what it then ends with, and the program gone. */
async function stopDeafTool(use: ExampleUse, roll: RollCall, name: string): Promise<unknown> {
  const { module, args } = use;
  const encounters = new Encounters();
  const tools = new DeafTools(obligingHost(encounters, new Holdings(), new Map()), roll.attend(name, "deaf"));
  const control = new AbortController();
  await using open = await module.open({ host: tools.host, log: silentLog, signal: control.signal }).catch(refusal);
  if (open === undefined) {
    return startsNothing;
  }
  tools.areDeaf = true;
  const run = open.run(metCall(args, encounters, control.signal)).catch((error: unknown) => error);
  await Promise.race([run, encounters.quiet()]);
  if (tools.started) {
    await roll.came(name);
  }
  using machine = openMachineTime();
  const stopped = machine.now();
  control.abort(enough);
  const end = await run;
  const took = machine.now() - stopped;
  assert.ok(took < stopMs, `${module.name} took ${took} ms to end`);
  if (!tools.started) {
    return startsNothing;
  }
  await roll.gone(name);
  return end;
}

/** A module may find out at once that nothing answers. */
function refusal(error: unknown): undefined {
  if (!(error instanceof DutError)) {
    throw error;
  }
}

/** A computer on which each program, once they are deaf, is the same real one that hears no signal but SIGKILL. */
class DeafTools {
  readonly host: Host;
  areDeaf = false;
  started = false;

  constructor(host: Host, words: string) {
    const real = nodeProcesses();
    const [program = "", ...args] = words.split(" ");
    const deaf = <Options>(options: Options) => {
      this.started = true;
      return { ...options, program, args };
    };
    const processes: Processes = {
      start: (options) => (this.areDeaf ? real.start(deaf(options)) : host.processes.start(options)),
      startOnTerminal: (options) =>
        this.areDeaf ? real.startOnTerminal(deaf(options)) : host.processes.startOnTerminal(options),
      find: (wanted) => host.processes.find(wanted),
    };
    this.host = new Proxy(host, {
      get: (target, part) => (part === "processes" ? processes : Reflect.get(target, part)),
    });
  }
}
