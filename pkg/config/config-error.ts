import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** A place in the text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a value stands in the configuration: keys, and places in lists counted from 0. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a configuration. */
export interface Problem extends Position {
  /** As in `devices.board.cmds.power.uses.0.module`; empty for the file as a whole. */
  readonly path: string;
  /** What is wrong, what was expected and what to do, in one line. */
  readonly sentence: string;
}

/** A configuration that cannot be used. The message is every problem, one per line, by position. */
export class ConfigError extends DutError {
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super("invalid_argument", problems.map((problem) => renderProblem(file, problem)).join("\n"));
    this.name = "ConfigError";
    this.file = file;
    this.problems = problems;
  }
}

function renderProblem(file: string, { line, column, path, sentence }: Problem): string {
  return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${sentence}`;
}

/** Collects what is wrong, so that a user hears of everything at once. */
export class Problems {
  readonly #found = new Map<string, Problem>();

  /** Text that is shared through an anchor is complained about once, under the path where it was met first. */
  report({ line, column }: Position, path: Path, sentence: string): void {
    const key = `${line}:${column}:${sentence}`;
    if (!this.#found.has(key)) {
      this.#found.set(key, { line, column, path: path.map(step).join("."), sentence });
    }
  }

  /** Throws a ConfigError if anything was reported. */
  throwIfAny(file: string): void {
    if (this.#found.size > 0) {
      const byPosition = (a: Problem, b: Problem) => a.line - b.line || a.column - b.column;
      throw new ConfigError(file, [...this.#found.values()].sort(byPosition));
    }
  }
}

function step(key: string | number): string {
  return typeof key === "number" || /^[\w-]+$/.test(key) ? String(key) : quote(key);
}
