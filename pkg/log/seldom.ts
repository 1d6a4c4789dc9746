import type { LogFields } from "./log.ts";

/** Logs a message at most once in so many milliseconds, however often others make it happen; tells how many were left out. */
export function seldom(
  write: (message: string, fields: LogFields) => void,
  everyMs = 10_000,
  clock = () => performance.now(),
): (message: string, fields?: LogFields) => void {
  const said = new Map<string, { at: number; unsaid: number }>();
  return (message, fields = {}) => {
    const now = clock();
    const last = said.get(message);
    if (last !== undefined && now - last.at < everyMs) {
      last.unsaid += 1;
      return;
    }
    said.set(message, { at: now, unsaid: 0 });
    write(message, (last?.unsaid ?? 0) > 0 ? { ...fields, "not-logged": last?.unsaid } : fields);
  };
}
