import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Log, LogFields, LogLevel } from "#pkg/log/log.ts";
import type { LogMode } from "./options.ts";
import { escapeLabel } from "./output/escape.ts";
import type { Outlet } from "./world.ts";

/** The log of a program that has no operator: warnings are kept for the end, or everything is shown as it happens. */
export interface Diagnostics extends Log {
  /** Shows the warnings that were kept, and resolves when everything has left the process. */
  flush(): Promise<void>;
}

/** Characters of a record; a peer may have chosen some of them. */
const longestLine = 4096;

/** `warn` keeps warnings and errors, `debug` shows everything at once, `none` drops everything. */
export function openDiagnostics(mode: LogMode, stderr: Outlet, colour: boolean): Diagnostics {
  const kept: string[] = [];
  let written: Promise<void> = Promise.resolve();

  const write = (text: string) => {
    written = written.then(() => stderr.write(text));
    written.catch(() => {
      // A closed stderr is reported by flush; until then nobody waits for it.
    });
  };
  const record = (level: LogLevel, message: string, fields: LogFields) => {
    const words = [message, ...Object.entries(fields).map(([key, value]) => `${key}=${wordFor(value)}`)];
    const line = escapeLabel(words.join(" "), longestLine);
    if (mode === "debug") {
      write(`${level.toUpperCase()} ${line}\n`);
    } else if (mode === "warn" && (level === "warn" || level === "error")) {
      kept.push(line);
    }
  };
  const logWith = (bound: LogFields): Log => ({
    error: (message, fields) => record("error", message, { ...bound, ...fields }),
    warn: (message, fields) => record("warn", message, { ...bound, ...fields }),
    info: (message, fields) => record("info", message, { ...bound, ...fields }),
    debug: (message, fields) => record("debug", message, { ...bound, ...fields }),
    with: (fields) => logWith({ ...bound, ...fields }),
  });
  return {
    ...logWith({}),
    async flush() {
      if (kept.length > 0) {
        const header = `⚠ ${kept.length} warning(s) during run:`;
        write(`${colour ? `\x1b[33m${header}\x1b[0m` : header}\n${kept.map((line) => `  - ${line}\n`).join("")}`);
        kept.length = 0;
      }
      await written;
    },
  };
}

function wordFor(value: unknown): string {
  return value instanceof Error ? messageOf(value) : String(value);
}
