/**
 * `npm run demo`: a server, two agents and a board that boots, as a user would use them, in processes of their own. On
 * a terminal it then stays until Ctrl-C. `npm run demo -- --check` does not stay. The exit status is 0 when every step
 * did what it should and nothing was left behind, 128 and the signal's number when it was interrupted.
 */
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { untilAborted } from "#pkg/program/daemon.ts";
import { whyNoBoard } from "./demo/board-needs.ts";
import { boardTour } from "./demo/board-tour.ts";
import { dummyTour } from "./demo/dummy-tour.ts";
import { type Lab, openLab } from "./demo/lab.ts";
import { remainsOf } from "./demo/remains.ts";
import { Screen, secondsSince } from "./demo/screen.ts";
import { perform } from "./demo/step.ts";
import type { Tour } from "./demo/tour.ts";

interface Stage {
  readonly processes: Processes;
  readonly screen: Screen;
  /** Its reason is the name of the signal that ends the demo. */
  readonly signal: AbortSignal;
}

const screen = new Screen((piece) => void process.stdout.write(piece));
const signal = stopSignal();

try {
  const stays = parseCommandLine() === "stay" && process.stdin.isTTY && process.stdout.isTTY;
  process.exitCode = await demo(stays, { processes: nodeProcesses(), screen, signal });
} catch (error) {
  if (!signal.aborted) {
    screen.failure(explain(error));
  }
  process.exitCode = signal.aborted ? interrupted() : 1;
}

function parseCommandLine(): "check" | "stay" {
  try {
    return parseArgs({ options: { check: { type: "boolean" } } }).values.check ? "check" : "stay";
  } catch (error) {
    throw new DutError("invalid_argument", "the demo has one option, --check", {
      hint: "npm run demo -- --check",
      cause: error,
    });
  }
}

/** Also when nobody reads the output any more, as after `| head`. Repeated signals change nothing: the end has its limits. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const end = (name: NodeJS.Signals) => {
    if (!stop.signal.aborted) {
      stop.abort(name);
      screen.say("ending everything …");
    }
  };
  for (const name of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM"] as const) {
    process.on(name, end);
  }
  process.stdout.on("error", () => end("SIGPIPE"));
  return stop.signal;
}

function interrupted(): number {
  return 128 + constants.signals[signal.reason as NodeJS.Signals];
}

/** Resolves with the exit status. */
async function demo(stays: boolean, stage: Stage): Promise<number> {
  const started = performance.now();
  const noBoard = await whyNoBoard(stage.processes, signal);
  const tour = noBoard === undefined ? boardTour : dummyTour;
  if (noBoard !== undefined) {
    screen.warning(`The virtual board cannot be shown: ${noBoard}\nThese are devices that need no hardware instead.`);
  }
  screen.heading("A server, and two agents that dial in");
  const lab = await openLab({ configs: tour.configs, ...stage });
  const status = await visit(lab, tour, stays, stage);
  const remains = await remainsOf(lab);
  if (remains.length > 0) {
    screen.failure(`left behind: ${remains.join(", ")}`);
    return 1;
  }
  if (status === 0) {
    const seconds = stays ? "" : ` ${secondsSince(started)}`;
    screen.say(`Everything did what it should, and nothing is left of it.${seconds}`);
    if (noBoard !== undefined) {
      screen.warning(`The virtual board was NOT shown: ${noBoard}`);
    }
  }
  return status;
}

/** Goes through a tour, and closes the lab. Resolves with the exit status. */
async function visit(lab: Lab, tour: Tour, stays: boolean, stage: Stage): Promise<number> {
  await using _ = lab;
  const started = performance.now();
  try {
    for (const { title, steps } of tour.chapters) {
      screen.heading(title);
      for (const step of steps) {
        await perform(step, lab, stage);
      }
    }
    screen.say(`That was the tour: ${secondsSince(started)}`);
  } catch (error) {
    if (signal.aborted) {
      return interrupted();
    }
    showLogs(lab);
    screen.failure(explain(error));
    return 1;
  }
  return stays ? await stay(lab, tour) : 0;
}

/** Until Ctrl-C, or until a program ends by itself. */
async function stay(lab: Lab, { ideas }: Tour): Promise<number> {
  const width = Math.max(...ideas.map(([line]) => line.length));
  const lines = ideas.map(([line, what]) => `  ${line.padEnd(width)}   ${what}`);
  screen.heading("Your turn");
  screen.say(`In another terminal:\n\n${lab.dutctl}\ncd ${lab.folder}\n\nThen try\n\n${lines.join("\n")}\n`);
  screen.say("Ctrl-C ends everything.");
  const daemons = [lab.server, ...lab.agents];
  await Promise.race([untilAborted(signal), ...daemons.map(({ ended }) => ended)]);
  if (signal.aborted) {
    return 0;
  }
  showLogs(lab);
  screen.failure("one of the programs has ended by itself");
  return 1;
}

function showLogs({ server, agents }: Lab): void {
  screen.say("");
  for (const { name, log } of [server, ...agents]) {
    screen.say(`The last lines of ${name}:\n${log().join("\n")}\n`);
  }
}
