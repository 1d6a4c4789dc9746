import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "./quote.ts";

/** Nanoseconds of each unit of Go's time.ParseDuration; both micro signs are accepted, as there. */
const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's durations are 64-bit counts of nanoseconds: about 292 years. */
const longestNanoseconds = 2 ** 63;

/**
 * Milliseconds of a Go duration string such as `300ms`, `-1.5h` or `1h30m`.
 * Throws invalid_argument in the words of time.ParseDuration, which users of the existing programs know.
 */
export function parseDuration(text: string): number {
  const [, sign, rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") {
    return 0;
  }
  if (rest === "") {
    throw invalid("invalid duration", text);
  }
  let total = 0;
  let left = rest;
  while (left !== "") {
    const [whole, number = "", unit = ""] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(left) ?? [];
    if (whole === undefined) {
      throw invalid("invalid duration", text);
    }
    if (unit === "") {
      throw invalid("missing unit in duration", text);
    }
    if (!Object.hasOwn(nanoseconds, unit)) {
      throw invalid(`unknown unit ${quote(unit)} in duration`, text);
    }
    total += Number(number) * (nanoseconds[unit] as number);
    left = left.slice(whole.length);
  }
  if (total > longestNanoseconds) {
    throw invalid("invalid duration", text);
  }
  return ((sign === "-" ? -1 : 1) * total) / 1e6;
}

/** A duration in milliseconds as Go prints it: `0s`, `1.5ms`, `50ms`, `1m0s`, `1h30m0s`. */
export function formatDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const total = Math.round(Math.abs(milliseconds) * 1e6);
  if (total === 0) {
    return "0s";
  }
  for (const [unit, size] of [
    ["ns", 1],
    ["µs", 1e3],
    ["ms", 1e6],
  ] as const) {
    if (total < size * 1000 && total < 1e9) {
      return `${sign}${decimal(total / size)}${unit}`;
    }
  }
  const hours = Math.floor(total / 3600e9);
  const minutes = Math.floor((total % 3600e9) / 60e9);
  const seconds = `${decimal((total % 60e9) / 1e9)}s`;
  if (hours > 0) {
    return `${sign}${hours}h${minutes}m${seconds}`;
  }
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function decimal(value: number): string {
  return String(Number(value.toFixed(9)));
}

function invalid(problem: string, text: string): DutError {
  return new DutError("invalid_argument", `time: ${problem} ${quote(text)}`, {
    hint: "write a number and a unit, such as 300ms, 1.5h or 1h30m",
  });
}
