import { isatty } from "node:tty";
import { pino } from "pino";
import type { Log, LogFields, LogLevel } from "./log.ts";
import { plainFields } from "./plain-fields.ts";
import { stderrLines } from "./stderr-lines.ts";
import { type LogRecord, renderTextLine } from "./text-line.ts";

interface LogOptions {
  /** Records below it are dropped. */
  readonly level: LogLevel;
  readonly format: "text" | "json";
  /** The part of the program that speaks, such as `agent`. */
  readonly scope?: string;
  /** Text only. Default: stderr is a terminal and NO_COLOR is unset or empty. */
  readonly colour?: boolean;
  /** Default: stderr, written before the call returns. Takes whole lines. */
  readonly destination?: { write(line: string): void };
  readonly now?: () => Date;
}

/** A log for operators: one record is one line, whatever its fields hold. Logging never throws. */
export function createLog(options: LogOptions): Log {
  const { level, format, scope, now = () => new Date() } = options;
  const destination = options.destination ?? stderrLines;
  const colour = options.colour ?? (isatty(2) && !process.env.NO_COLOR);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
      ...(format === "text" ? { nestedKey: "fields" } : {}),
    },
    format === "text"
      ? { write: (line: string) => destination.write(renderTextLine(JSON.parse(line) as LogRecord, colour)) }
      : destination,
  );
  const reserved = format === "json" ? ["time", "level", "msg"] : [];
  return bind(logger, reserved, scope === undefined ? {} : { scope });
}

/** A log whose fields `bound` are on every line. */
function bind(logger: pino.Logger, reserved: readonly string[], bound: LogFields): Log {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (logger.isLevelEnabled(level)) {
      logger[level](plainFields({ ...bound, ...fields }, reserved), message);
    }
  };
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    with: (fields) => bind(logger, reserved, { ...bound, ...fields }),
  };
}
