import type { LogLevel } from "./log.ts";

const levels: Readonly<Record<string, LogLevel>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  warning: "warn",
  error: "error",
};

/** The level of a `-log` flag, in any case. What is unknown or empty is info, as in the existing programs. */
export function parseLogLevel(text: string): LogLevel {
  const name = text.toLowerCase();
  return Object.hasOwn(levels, name) ? (levels[name] as LogLevel) : "info";
}
