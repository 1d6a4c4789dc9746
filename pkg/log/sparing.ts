import type { Log, LogFields, LogLevel } from "./log.ts";

/** How often the same message may be logged, in milliseconds. */
const defaultEveryMs = 10_000;

/**
 * A log for what peers can cause as often as they like: of each message one line, and of those that follow within the
 * time only the last, at its end, with `left-out` telling how many others there were. A message must be of a few that the
 * program knows; what differs goes into the fields.
 */
export function sparing(log: Log, everyMs = defaultEveryMs): Log {
  return bound(log, new Map(), everyMs);
}

interface Held {
  readonly log: Log;
  readonly fields: LogFields | undefined;
  readonly leftOut: number;
}

/** By level and message: what is held back since its last line, if anything. */
type Lately = Map<string, Held | undefined>;

function bound(log: Log, lately: Lately, everyMs: number): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    const key = `${level} ${message}`;
    if (lately.has(key)) {
      const held = lately.get(key);
      lately.set(key, { log, fields, leftOut: held === undefined ? 0 : held.leftOut + 1 });
      return;
    }
    log[level](message, fields);
    lately.set(key, undefined);
    const timer = setInterval(() => {
      const held = lately.get(key);
      if (held === undefined) {
        clearInterval(timer);
        lately.delete(key);
        return;
      }
      lately.set(key, undefined);
      held.log[level](message, held.leftOut === 0 ? held.fields : { ...held.fields, "left-out": held.leftOut });
    }, everyMs).unref();
  };
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    with: (fields) => bound(log.with(fields), lately, everyMs),
  };
}
