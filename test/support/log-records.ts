import type { Child } from "./child.ts";

/** A line of a log in JSON. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly msg: string; readonly time: string };

/** What a program has logged so far that has these fields. */
export function recordsOf({ stderr }: Pick<Child, "stderr">, fields: Readonly<Record<string, unknown>>): LogRecord[] {
  return stderr
    .slice(0, stderr.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line): LogRecord => JSON.parse(line))
    .filter((record) => Object.entries(fields).every(([name, value]) => record[name] === value));
}

/** Resolves with the record of that number, from 1, which has these fields, as soon as it is there. */
export function logged(child: Child, fields: Readonly<Record<string, unknown>>, number = 1): Promise<LogRecord> {
  const look = () => recordsOf(child, fields)[number - 1];
  return child.shown(look, `has not logged ${JSON.stringify(fields)} ${number} times`);
}
