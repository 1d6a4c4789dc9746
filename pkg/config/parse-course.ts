import { explain } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type When, whens } from "./config.ts";
import { complain, optionalTextOf, type Place, textOf, warn } from "./place.ts";
import { isNothing } from "./yaml/yaml-node.ts";

/** In milliseconds; what takes longer is no command, and a timer of Node takes no more than 24 days. */
const longestMs = 7 * 24 * 3_600_000;

/** More would wear out what is flashed. */
export const mostRetries = 100;

/** How long an attempt of a command may take, in milliseconds. */
export function parseTimeout(place: Place | undefined): number | undefined {
  return parseTime(place, "a timeout");
}

/** What is waited before a failed attempt of a command is repeated, in milliseconds. Warns where there are no retries. */
export function parseRetryAfter(place: Place | undefined, retries: number): number | undefined {
  const afterMs = parseTime(place, "a pause");
  if (place !== undefined && afterMs !== undefined && retries === 0) {
    warn(place, "it never happens: the command has no retries");
  }
  return afterMs;
}

function parseTime(place: Place | undefined, what: string): number | undefined {
  const text = optionalTextOf(place);
  if (place === undefined || text === "") {
    return undefined;
  }
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    complain(place, explain(error));
    return undefined;
  }
  if (!(ms >= 1 && ms <= longestMs)) {
    const longest = formatDuration(longestMs);
    complain(place, `${what} is between 1ms and ${longest}, found ${quote(text)}; leave it out for none`);
    return undefined;
  }
  return ms;
}

/** How often a failed attempt of a command is repeated. */
export function parseRetries(place: Place | undefined): number {
  const text = optionalTextOf(place);
  if (place === undefined || text === "") {
    return 0;
  }
  const retries = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  if (!(retries <= mostRetries)) {
    complain(place, `expected a whole number from 0 to ${mostRetries}, found ${quote(text)}`);
    return 0;
  }
  return retries;
}

/** When an entry runs. */
export function parseWhen(place: Place | undefined): When {
  const written = place === undefined || isNothing(place.node) ? "success" : textOf(place);
  const when = whens.find((each) => each === written);
  if (place !== undefined && when === undefined && place.node.kind === "scalar") {
    const meant = nearest(written, whens);
    const hint = meant === undefined ? "" : `did you mean ${meant}? `;
    complain(place, `unknown word ${quote(written)} (${hint}there are: ${whens.join(", ")})`);
  }
  return when ?? "success";
}

/** Warns of entries that wait for a failure before anything has run. */
export function warnAboutIdle(entries: readonly { readonly when: When; readonly whenAt: Place | undefined }[]): void {
  for (const { when, whenAt } of entries) {
    if (when !== "failure") {
      return;
    }
    if (whenAt !== undefined) {
      warn(whenAt, "it never runs: there is nothing before it that could fail");
    }
  }
}
