import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import { pause } from "../../pause.ts";
import type { PortReader } from "../port/port-reader.ts";
import type { Secrets } from "../port/secrets.ts";
import type { RunOutput } from "../shown/run-output.ts";
import { startTimeLimit, type TimeLimit } from "../time-limit.ts";
import { MatchWindow } from "./match-window.ts";
import type { Script } from "./parse-script.ts";
import { label, type Step } from "./parse-step.ts";
import type { Pattern } from "./pattern.ts";
import { fillTemplate } from "./template.ts";

/** Characters of a captured value that a marker shows. */
const shownValue = 64;

/** The line that a script works on. */
export interface Line {
  readonly reader: PortReader;
  readonly output: RunOutput;
  readonly secrets: Secrets;
  /** Before each send, in milliseconds. */
  readonly delayMs: number;
}

type Expect = Step & { readonly kind: "expect" };
type Send = Step & { readonly kind: "send" };

/** Runs the steps in order within the script's time limit. Throws at the first that fails, naming it. */
export async function runSteps(line: Line, script: Script, signal: AbortSignal): Promise<ScriptRun> {
  using limit = startTimeLimit(signal, script.timeoutMs);
  const run = new ScriptRun(line);
  for (const [index, step] of script.steps.entries()) {
    const ownMs = step.kind === "expect" ? step.timeoutMs : undefined;
    using own = startTimeLimit(limit.signal, ownMs);
    try {
      const done = await run.take(step, own.signal);
      await line.output.marker(`[${index + 1}/${script.steps.length}] ${done}`);
    } catch (error) {
      const limits = { own, ownMs, whole: limit, wholeMs: script.timeoutMs };
      const words = step.kind === "expect" ? expectFailure(error, limits, signal) : messageOf(error);
      // What a script captured may stand in what is wrong with an expression.
      const shown = line.secrets.hide(words);
      throw stepFailure(`step ${index + 1} (${renderStep(step)}): ${shown}`, error, signal);
    }
  }
  return run;
}

/** What a script has seen and learned. */
export class ScriptRun {
  readonly #line: Line;
  readonly #unmatched = new MatchWindow();
  readonly #variables = new Map<string, string>();
  readonly #failOn: { readonly label: string; readonly pattern: Pattern }[] = [];

  constructor(line: Line) {
    this.#line = line;
  }

  /** Does a step and says what was done. */
  async take(step: Step, signal: AbortSignal): Promise<string> {
    const { reader } = this.#line;
    switch (step.kind) {
      case "expect":
        return await this.#expect(step, signal);
      case "fail-on":
        this.#failOn.push({ label: step.label, pattern: step.expression.pattern(this.#variables) });
        return `failing on ${step.label}`;
      case "send":
        return await this.#send(step, signal);
      case "break":
        await reader.port.sendBreak(step.milliseconds);
        return `sent a break of ${formatDuration(step.milliseconds)}`;
      case "line":
        await reader.port.setLine(step.line, step.on);
        return `${step.line} is ${step.on ? "on" : "off"}`;
    }
  }

  /** Throws when what was shown and not matched yet, and this piece behind it, say that the script has failed. */
  async look(text: Uint8Array, signal: AbortSignal): Promise<void> {
    if (this.#failOn.length > 0) {
      this.#unmatched.append(text);
      this.#throwFailure(await this.#unmatched.consume(this.#failPatterns, signal));
    }
  }

  get #failPatterns(): readonly Pattern[] {
    return this.#failOn.map(({ pattern }) => pattern);
  }

  async #expect({ alternatives }: Expect, signal: AbortSignal): Promise<string> {
    const { reader, output } = this.#line;
    const expected = alternatives.map((alternative) => alternative.pattern(this.#variables));
    const patterns = [...this.#failPatterns, ...expected];
    for (;;) {
      const found = await this.#unmatched.consume(patterns, signal);
      this.#throwFailure(found);
      if (found !== undefined) {
        const learned = this.#learn(expected, found.index - this.#failOn.length, found.match.captured);
        return `matched ${alternatives[found.index - this.#failOn.length]?.label}${learned}`;
      }
      this.#unmatched.append(await output.piece(await reader.next(signal)));
    }
  }

  /** The variables of the alternative that matched, and none of the others any more. */
  #learn(expected: readonly Pattern[], matched: number, captured: ReadonlyMap<string, string>): string {
    for (const name of expected.flatMap(({ groups }) => groups)) {
      this.#variables.delete(name);
    }
    const names = expected[matched]?.groups ?? [];
    return names
      .map((name) => {
        const value = captured.get(name) ?? "";
        this.#variables.set(name, value);
        return ` ${name}=${quote(Array.from(this.#line.secrets.hide(value)).slice(0, shownValue).join(""))}`;
      })
      .join("");
  }

  async #send({ data, source, lineEnding, isSecret }: Send, signal: AbortSignal): Promise<string> {
    const { reader, secrets, delayMs } = this.#line;
    if (delayMs > 0) {
      await pause(delayMs, signal);
    }
    await this.look(new Uint8Array(), signal);
    const payload = Buffer.concat(
      fillTemplate(data, this.#variables, (value) => Buffer.from(refuseControls(value, secrets))),
    );
    if (isSecret) {
      secrets.add(payload);
    }
    await reader.port.write(Buffer.concat([payload, Buffer.from(lineEnding)]), signal);
    this.#unmatched.clear();
    const words = fillTemplate(source, this.#variables, (value) => secrets.hide(value));
    return `sent ${isSecret ? "***" : label(words.join(""))}`;
  }

  #throwFailure(found: { readonly index: number } | undefined): void {
    const failure = found && this.#failOn[found.index];
    if (failure !== undefined) {
      throw new DutError("failed_precondition", `the output matched fail-on ${failure.label}`);
    }
  }
}

/** What a device said becomes what is typed at it: it may not press Enter, or keys like Ctrl-C. */
function refuseControls(value: string, secrets: Secrets): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) {
    throw new DutError(
      "failed_precondition",
      `the captured text ${quote(secrets.hide(value))} has control characters in it`,
      {
        hint: "use an expression that matches less, such as [^\\r\\n]+",
      },
    );
  }
  return value;
}

function renderStep(step: Step): string {
  switch (step.kind) {
    case "expect":
    case "fail-on":
      return `${step.kind} ${step.label}`;
    case "send":
      return `send ${step.isSecret ? "***" : label(step.source.map((part) => (typeof part === "string" ? part : `%{${part.name}}`)).join(""))}`;
    case "break":
      return "break";
    case "line":
      return `${step.line} ${step.on ? "on" : "off"}`;
  }
}

interface Limits {
  readonly own: TimeLimit;
  readonly ownMs: number | undefined;
  readonly whole: TimeLimit;
  readonly wholeMs: number | undefined;
}

/** What an expect says when it ended without a match. */
function expectFailure(error: unknown, { own, ownMs, whole, wholeMs }: Limits, signal: AbortSignal): string {
  const passed = whole.expired() ? wholeMs : own.expired() ? ownMs : undefined;
  if (passed !== undefined) {
    return `timeout of ${formatDuration(passed)} reached without match`;
  }
  if (signal.aborted) {
    return isDeadline(signal.reason) ? "deadline reached without match" : "canceled";
  }
  return messageOf(error);
}

function stepFailure(message: string, error: unknown, signal: AbortSignal): DutError {
  const hint = error instanceof DutError ? error.hint : undefined;
  return new DutError(codeOf(error, signal), message, hint === undefined ? { cause: error } : { hint, cause: error });
}

function codeOf(error: unknown, signal: AbortSignal): DutError["code"] {
  if (signal.aborted) {
    return isDeadline(signal.reason) ? "deadline_exceeded" : "canceled";
  }
  return error instanceof DutError ? error.code : "internal";
}

function isDeadline(reason: unknown): boolean {
  return reason instanceof DutError
    ? reason.code === "deadline_exceeded"
    : reason instanceof Error && reason.name === "TimeoutError";
}
