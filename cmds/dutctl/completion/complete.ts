import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { parseFlags } from "#pkg/golang/flags.ts";
import { readSettings } from "../config/read-settings.ts";
import { flags, type GivenFlags, parseOptions } from "../options.ts";
import type { World } from "../world.ts";
import { renderAnswer } from "./answer.ts";
import { findCursor } from "./cursor.ts";
import type { Live } from "./live.ts";
import { answerValue, optionNames } from "./option-values.ts";
import { answerWord } from "./words.ts";

/** Nobody waits longer for a key to do something. Milliseconds since the start of the program. */
const limitMs = 100;
/** What is left for the peer when the start took long. */
const leastMs = 50;

/**
 * Tells a shell what the last of the words may become. Says what it knows by itself when the peer does not answer in time,
 * and nothing where it knows nothing; never an error.
 */
export async function complete(words: readonly string[], world: World): Promise<number> {
  const place = findCursor(words);
  if (place === undefined) {
    return 0;
  }
  const { cursor, options } = place;
  if (cursor.kind === "option") {
    await world.stdout.write(renderAnswer({ kind: "words", candidates: optionNames() }, cursor.written));
    return 0;
  }
  const given = givenBy(options);
  if (cursor.kind === "value") {
    const answer = await answerValue(cursor.flag, world.env);
    const candidates = answer.candidates.map((candidate) => ({ ...candidate, value: cursor.head + candidate.value }));
    await world.stdout.write(renderAnswer({ ...answer, candidates }, cursor.head + cursor.written));
    return 0;
  }
  const answer = await answerWord(cursor, () => liveOf(given, world), world.env);
  await world.stdout.write(renderAnswer(answer, cursor.written));
  return 0;
}

function givenBy(options: readonly string[]): GivenFlags | undefined {
  return quietly(() => parseFlags(options, flags).values);
}

/** The peer that the options and the settings name; undefined when they are wrong, or name one that would have to be started. */
async function liveOf(given: GivenFlags | undefined, world: World): Promise<Live | undefined> {
  if (given === undefined || given.local !== undefined) {
    return undefined;
  }
  const { openLive } = await import("./live.ts");
  try {
    const options = parseOptions(given, await readSettings(given.context, world));
    const signal = AbortSignal.any([world.signal, AbortSignal.timeout(Math.ceil(timeLeft(world.env)))]);
    return await openLive(options, world, signal);
  } catch (error) {
    if (error instanceof DutError) {
      return undefined;
    }
    throw error;
  }
}

function timeLeft({ DUTCTL_COMPLETION_TIMEOUT: wanted = "" }: World["env"]): number {
  const set = wanted === "" ? undefined : quietly(() => parseDuration(wanted));
  return set !== undefined && set > 0 && set < 2 ** 31 ? set : Math.max(leastMs, limitMs - performance.now());
}

function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DutError) {
      return undefined;
    }
    throw error;
  }
}
