import { readFile } from "node:fs/promises";
import { DutError } from "#pkg/errors/dut-error.ts";

/** What dutagent says for each problem of its configuration. */
const badConfiguration = "loading config failed";
/** How much is shown of what is no log, such as the words of a program that broke down. */
const fewLines = 8;

export interface FailedStart {
  readonly config: string;
  readonly log: string;
  /** Where in the log this start begins, in bytes. */
  readonly from: number;
  /** How the agent ended. */
  readonly end: string;
}

/**
 * Why an agent did not come up, by its own words: the problems of its configuration as they are (invalid_argument), or
 * what else it logged as errors (unavailable).
 */
export async function startFailure({ config, log, from, end }: FailedStart): Promise<DutError> {
  const text = (await readFile(log)).subarray(from).toString();
  const lines = text.split("\n").filter((line) => line !== "");
  const records = lines.map(recordIn);
  const errors = records.filter((record) => record !== undefined).filter(({ level }) => level === "ERROR");
  const problems = errors.filter(({ msg }) => msg === badConfiguration).map(({ err }) => err);
  if (problems.length > 0) {
    return new DutError("invalid_argument", problems.join("\n"), { hint: `correct ${config}` });
  }
  const said = [
    ...errors.map(({ msg, err }) => `${msg}: ${err}`),
    ...lines.filter((_, index) => records[index] === undefined).slice(0, fewLines),
  ];
  const message = [`dutagent did not start for ${config} (${end})`, ...said].join("\n");
  return new DutError("unavailable", message, { hint: `its log is ${log}` });
}

interface LogRecord {
  readonly level: unknown;
  readonly msg?: unknown;
  readonly err?: unknown;
}

/** Undefined for a line that is no record of a log. */
function recordIn(line: string): LogRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "level" in value ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return undefined;
    }
    throw error;
  }
}
