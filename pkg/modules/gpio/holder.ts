import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import type { HostProcess } from "#pkg/host/processes.ts";
import { pause } from "../pause.ts";
import { endedBadly } from "../tool/ended-badly.ts";
import { Tail } from "../tool/tail.ts";
import { Commands } from "./commands.ts";
import { answerMs, type Gpiod, type Request } from "./gpiod.ts";
import { askLineInfo } from "./line-info.ts";
import type { Level } from "./line-options.ts";

/** How often the kernel is asked whether gpioset, which does not tell, has the line. */
const lookAgainMs = 10;

const keptBytes = 4096;

/** A gpioset that holds a line at a level. Disposing ends it; the kernel has the line back then. */
export interface Holder extends AsyncDisposable {
  /** Resolves when it has ended, with how; never rejects. */
  readonly ended: Promise<DutError>;
  /** Undefined when the level cannot be changed without another holder. Throws when it is not confirmed. */
  readonly change: ((level: Level) => Promise<void>) | undefined;
}

/**
 * Starts a gpioset and resolves when the kernel says that the line is held as an output. Throws what gpioset says when it
 * does not get the line, deadline_exceeded when nothing is heard of it; nothing is left then.
 */
export async function holdLine(
  request: Request,
  gpiod: Gpiod,
  { processes }: Host,
  signal: AbortSignal,
): Promise<Holder> {
  await using acquired = new AsyncDisposableStack();
  const stop = new AbortController();
  const commands = gpiod.takesCommands ? new Commands(request.pin) : undefined;
  const child = acquired.use(
    await processes.start({
      program: gpiod.set,
      args: gpiod.setArguments(request),
      ...(commands !== undefined && { stdin: commands.stdin() }),
      signal: stop.signal,
    }),
  );
  const complaints = new Tail(keptBytes);
  const ended = endOf(child, complaints, commands);
  await inTime(`gpioset has not taken line ${request.pin} of ${request.chip}`, ended, signal, async (waiting) => {
    await commands?.ready;
    while (!(await isOutput(request, gpiod, processes, waiting))) {
      await pause(lookAgainMs, waiting);
    }
  });
  const release = acquired.move();
  return {
    ended,
    change:
      commands &&
      ((level) => {
        const before = complaints.bytes.length;
        return inTime(`gpioset has not set line ${request.pin} of ${request.chip}`, ended, stop.signal, async () => {
          await commands.set(level);
          const said = complaints.bytes.subarray(before).toString().trim();
          if (said !== "") {
            throw new DutError("unavailable", said);
          }
        });
      }),
    async [Symbol.asyncDispose]() {
      stop.abort(new DutError("aborted", "the line is given back"));
      await ended;
      await release.disposeAsync();
    },
  };
}

async function isOutput(request: Request, gpiod: Gpiod, processes: Host["processes"], signal: AbortSignal) {
  const { holder, direction } = await askLineInfo(request, processes, gpiod, signal);
  return holder !== undefined && direction === "output";
}

async function endOf(child: HostProcess, complaints: Tail, commands: Commands | undefined): Promise<DutError> {
  const [status] = await Promise.all([
    child.exited,
    eachOf(child.stdout, (piece) => commands?.heard(piece)),
    eachOf(child.stderr, (piece) => complaints.push(piece)),
  ]);
  return new DutError("unavailable", endedBadly("gpioset", status, complaints.bytes.toString()).message);
}

async function eachOf(output: AsyncIterable<Uint8Array>, take: (piece: Uint8Array) => void): Promise<void> {
  for await (const piece of output) {
    take(piece);
  }
}

/** Does what waits for a gpioset. Throws how it ended when it ends before that is done, and deadline_exceeded. */
async function inTime(
  late: string,
  ended: Promise<DutError>,
  signal: AbortSignal,
  work: (waiting: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const limit = AbortSignal.timeout(answerMs);
  const waiting = AbortSignal.any([signal, over.signal, limit]);
  const cut = Promise.withResolvers<never>();
  waiting.addEventListener("abort", () => cut.reject(waiting.reason), { once: true });
  const end = ended.then((how) => {
    throw how;
  });
  try {
    await Promise.race([work(waiting), cut.promise, end]);
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted ? new DutError("deadline_exceeded", `${late} within ${formatDuration(answerMs)}`) : error;
  } finally {
    over.abort();
  }
}
