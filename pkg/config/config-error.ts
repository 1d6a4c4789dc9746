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

/** `file:line:column: path: sentence`, on one line, with a mark before the path if wanted. */
export function renderProblem(file: string, { line, column, path, sentence }: Problem, mark = ""): string {
  return `${file}:${line}:${column}: ${mark}${path === "" ? "" : `${path}: `}${sentence}`;
}

/** Collects what is wrong, so that a user hears of everything at once. */
export class Problems {
  readonly #found = new Map<string, Problem>();
  readonly #warnings = new Map<string, Problem>();

  /** Text that is shared through an anchor is complained about once, under the path where it was met first. */
  report(at: Position, path: Path, sentence: string): void {
    keep(this.#found, at, path, sentence);
  }

  /** The same for what is allowed and probably not meant. */
  warn(at: Position, path: Path, sentence: string): void {
    keep(this.#warnings, at, path, sentence);
  }

  get warnings(): readonly Problem[] {
    return byPosition(this.#warnings);
  }

  /** Throws a ConfigError if anything was reported. */
  throwIfAny(file: string): void {
    if (this.#found.size > 0) {
      throw new ConfigError(file, byPosition(this.#found));
    }
  }
}

function keep(problems: Map<string, Problem>, { line, column }: Position, path: Path, sentence: string): void {
  const key = `${line}:${column}:${sentence}`;
  if (!problems.has(key)) {
    problems.set(key, { line, column, path: path.map(step).join("."), sentence });
  }
}

function byPosition(problems: ReadonlyMap<string, Problem>): readonly Problem[] {
  return Array.from(problems.values()).sort((a, b) => a.line - b.line || a.column - b.column);
}

function step(key: string | number): string {
  return typeof key === "number" || /^[\w-]+$/.test(key) ? String(key) : quote(key);
}
