import assert from "node:assert/strict";
import { resolve } from "node:path";
import { inspect } from "node:util";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { OpenModule } from "#pkg/modules/module.ts";
import { within } from "#pkg/session/time-limit.ts";
import { Encounters } from "./encounters.ts";
import type { ExampleUse } from "./example-uses.ts";
import { metCall } from "./met-call.ts";
import { Holdings, obligingHost, PartMissing } from "./obliging-host.ts";

/** What the run engine waits for a module whose run was stopped, in milliseconds. */
const graceMs = 12_000;

/** More steps than any example has: a module without an end does not make its test endless. */
const mostSteps = 200;

const never = new AbortController().signal;

/** Opens a module and closes it twice, on a computer where everything works. */
export async function openAndClose(use: ExampleUse): Promise<void> {
  await leavingNothing(use, async ({ host }) => {
    const open = await openOn(host, use, never);
    await open?.[Symbol.asyncDispose]();
    await open?.[Symbol.asyncDispose]();
  });
}

/** Opens a module once for each thing that it does while it opens, and lets just that one fail. */
export async function failEachStepOfOpening(use: ExampleUse): Promise<void> {
  await eachStep(async (step) => {
    const broken = () => {
      throw new DutError("unavailable", "it is broken");
    };
    return await openDisturbed(use, never, { step, act: broken });
  });
}

/** Opens a module once for each thing that it does while it opens, and gives up at just that one. */
export async function giveUpEachStepOfOpening(use: ExampleUse): Promise<void> {
  await eachStep(async (step) => {
    const control = new AbortController();
    return await openDisturbed(use, control.signal, { step, act: () => control.abort(enough()) });
  });
}

/** Runs a module once for each thing that it does in its run, and stops it at just that one, or when it only waits. */
export async function stopEachStepOfRunning(use: ExampleUse): Promise<void> {
  await eachStep(
    async (step) =>
      await leavingNothing(use, async (bench) => {
        const open = await openOn(bench.host, use, never);
        const wasStopped = open !== undefined && (await runStopped(open, bench.encounters, use.args, step));
        await open?.[Symbol.asyncDispose]();
        return wasStopped;
      }),
  );
}

/** Opens and runs a module on a computer that has no program at all: when it fails, the error names one that it wanted. */
export async function missEveryProgram(use: ExampleUse): Promise<void> {
  const { wanted, error } = await leavingNothing(use, async ({ host, encounters }) => {
    const programs: string[] = [];
    const bare = withoutPrograms(host, (program) => programs.push(program));
    const failure = await openAndRun(bare, use, encounters).catch((thrown: unknown) => thrown);
    return { wanted: programs, error: failure };
  });
  if (wanted.length > 0 && error !== undefined) {
    const isNamed = wanted.some((program) => explain(error).includes(program));
    assert.ok(isNamed, `${use.module.name} misses ${wanted.join(", ")} and says ${explain(error)}`);
  }
}

interface Bench {
  readonly host: Host;
  readonly encounters: Encounters;
}

/** Does something with a computer of its own, and looks for what is left of it: devices, programs, timers, and files where the options name none. */
async function leavingNothing<T>({ options, module }: ExampleUse, act: (bench: Bench) => Promise<T>): Promise<T> {
  const encounters = new Encounters();
  const holdings = new Holdings();
  const files = new Map<string, string>();
  const timers = runningTimers();
  const result = await act({ encounters, host: obligingHost(encounters, holdings, files) });
  const named = Object.values(options).flatMap((option) => (typeof option === "string" ? [resolve(option)] : []));
  const strays = Array.from(files.keys()).filter((file) => !named.some((path) => resolve(file).startsWith(path)));
  assert.deepEqual(
    { held: holdings.held, strays, timers: runningTimers() - timers },
    { held: [], strays: [], timers: 0 },
    `left behind by ${module.name}`,
  );
  return result;
}

function runningTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === "Timeout").length;
}

/** Undefined when it refuses to open, which it may: nothing on that computer answers. */
async function openOn(host: Host, { module }: ExampleUse, signal: AbortSignal): Promise<OpenModule | undefined> {
  try {
    return await module.open({ host, log: silentLog, signal });
  } catch (error) {
    assert.ok(error instanceof DutError, `${module.name} throws what users cannot read: ${error}`);
    return undefined;
  }
}

function withoutPrograms(host: Host, onWanted: (program: string) => void): Host {
  const missing = async ({ program }: { readonly program: string }): Promise<never> => {
    onWanted(program);
    throw new DutError("not_found", `start ${program}: no such file or directory`);
  };
  const processes: Processes = {
    start: missing,
    startOnTerminal: missing,
    async find(program) {
      onWanted(program);
      return undefined;
    },
  };
  return new Proxy(host, {
    get: (target, part) => (part === "processes" ? processes : Reflect.get(target, part)),
  });
}

/** Ends a run that only waits. */
async function openAndRun(host: Host, { module, args }: ExampleUse, encounters: Encounters): Promise<void> {
  const control = new AbortController();
  await using open = await module.open({ host, log: silentLog, signal: never });
  const run = open.run(metCall(args, encounters, control.signal));
  void encounters.quiet().then(() => control.abort(enough()));
  await run.catch((error: unknown) => {
    if (!causesOf(error).includes(control.signal.reason)) {
      throw error;
    }
  });
}

async function openDisturbed(
  use: ExampleUse,
  signal: AbortSignal,
  { step, act }: { readonly step: number; act(): void },
): Promise<boolean> {
  return await leavingNothing(use, async ({ host, encounters }) => {
    encounters.disturb(step, act);
    const open = await openOn(host, use, signal);
    await open?.[Symbol.asyncDispose]();
    return encounters.met > step;
  });
}

/** Answers whether the run went on for so long that it could be stopped there. */
async function runStopped(
  open: OpenModule,
  encounters: Encounters,
  args: readonly string[],
  step: number,
): Promise<boolean> {
  const control = new AbortController();
  const reason = enough();
  encounters.disturb(step, () => control.abort(reason));
  const run = open.run(metCall(args, encounters, control.signal)).then(
    () => "it ended as if nothing were",
    (error: unknown) => error,
  );
  const early = await Promise.race([run.then(() => true), encounters.quiet().then(() => false)]);
  if (early && !control.signal.aborted) {
    return false;
  }
  const isLast = !control.signal.aborted;
  control.abort(reason);
  const error = await within(graceMs, "the end of a run that was stopped", run);
  const causes = causesOf(error);
  const isExcused = causes.some((cause) => cause instanceof PartMissing);
  assert.ok(isExcused || causes.includes(reason), `the run ended with ${inspect(error)}`);
  return !isLast;
}

async function eachStep(act: (step: number) => Promise<boolean>): Promise<void> {
  for (let step = 0; step < mostSteps; step++) {
    if (!(await act(step))) {
      return;
    }
  }
}

/** An error and what led to it: a module may add at what it was stopped. */
function causesOf(error: unknown): readonly unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...causesOf(error.cause)] : [error];
}

function enough(): DutError {
  return new DutError("canceled", "nobody wants it any more");
}
