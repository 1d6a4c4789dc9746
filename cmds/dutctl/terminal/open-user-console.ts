import type { Output } from "../output/output.ts";
import type { Outlet, World } from "../world.ts";
import { escapeHelp } from "./escape-keys.ts";
import { LeftConsole } from "./left-console.ts";
import { openStatus } from "./open-status.ts";
import { ownWords } from "./own-words.ts";
import { PayloadFilter } from "./payload-filter.ts";
import type { Terminal, TerminalSize } from "./terminal.ts";
import { TerminalModes } from "./terminal-modes.ts";
import { TypedInput } from "./typed-input.ts";
import type { ProgressReport, Source, Status, UserConsole } from "./user-console.ts";

export interface ConsoleOptions {
  /** Lets everything that a device says through to the terminal. */
  readonly raw: boolean;
  /** Of the run, as shown with -v. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly runId?: string;
}

/** The user's side of a run on the streams of a world; what is shown goes through `out`. One at a time. */
export function openUserConsole(world: World, options: ConsoleOptions, out: Output): UserConsole {
  return new WorldConsole(world, options, out);
}

class WorldConsole implements UserConsole {
  readonly input: AsyncIterable<Uint8Array>;
  readonly #world: World;
  readonly #options: ConsoleOptions;
  readonly #out: Output;
  readonly #status: Status & { covered(on: boolean): void };
  readonly #left = new AbortController();
  readonly #modes = new TerminalModes();
  readonly #filters = { stdout: new PayloadFilter(this.#modes), stderr: new PayloadFilter(this.#modes) };
  /** There when keys can be had. */
  readonly #keyboard: { readonly terminal: Terminal; readonly input: TypedInput } | undefined;
  readonly #open = new DisposableStack();
  #isRaw = false;
  #wasRaw = false;
  #lostKeys = false;

  constructor(world: World, options: ConsoleOptions, out: Output) {
    this.#world = world;
    this.#options = options;
    this.#out = out;
    this.#status = openStatus(world, out, options.runId);
    const { terminal } = world;
    if (terminal !== undefined) {
      this.#open.use(terminal.guard(this.#modes));
    }
    if (terminal?.hasKeyboard === true && out.format === "text") {
      const input = new TypedInput(() => world.stdin(), this.#keyboardOwner());
      this.#keyboard = { terminal, input };
      this.input = input;
    } else {
      this.input = { [Symbol.asyncIterator]: () => world.stdin()[Symbol.asyncIterator]() };
    }
  }

  get terminal(): UserConsole["terminal"] {
    const terminal = this.#keyboard?.terminal;
    return terminal && { type: terminal.type, size: terminal.size() };
  }

  get left(): AbortSignal {
    return this.#left.signal;
  }

  get wasRaw(): boolean {
    return this.#wasRaw;
  }

  rawMode(on: boolean): void {
    const keyboard = this.#keyboard;
    // Without keys to come nobody could leave a raw terminal any more.
    if (keyboard === undefined || on === this.#isRaw || (on && (keyboard.input.hasEnded || this.left.aborted))) {
      return;
    }
    this.#isRaw = on;
    this.#wasRaw = true;
    this.#status.covered(on);
    if (on) {
      keyboard.terminal.raw(true);
      keyboard.input.start();
      this.#say(["Ctrl-A x leaves the console, Ctrl-A ? shows the keys."]);
    } else {
      void this.#restore();
      void keyboard.terminal.footer.freshLine();
      keyboard.terminal.raw(false);
    }
  }

  onResize(listener: (size: TerminalSize) => void): Disposable {
    return this.#keyboard?.terminal.onResize(listener) ?? { [Symbol.dispose]() {} };
  }

  async show(source: Source, bytes: Uint8Array): Promise<void> {
    const stream = source === "stderr" ? "stderr" : "stdout";
    const data = this.#isPlainText(stream) ? this.#filtered(source, stream, bytes) : bytes;
    if (data.length > 0) {
      await this.#write(stream, data);
    }
  }

  progress(report: ProgressReport): void {
    this.#status.progress(report);
  }

  waiting(reason: string | undefined): void {
    this.#status.waiting(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.#filters[stream].end();
      if (rest.length > 0) {
        await this.#write(stream, rest).catch(() => {});
      }
    }
    this.rawMode(false);
    await this.#restore();
    await this.#status[Symbol.asyncDispose]();
    this.#open[Symbol.dispose]();
  }

  #keyboardOwner() {
    const console = this;
    return {
      get isRaw() {
        return console.#isRaw;
      },
      leave: () => {
        this.rawMode(false);
        this.#left.abort(new LeftConsole());
      },
      help: () => this.#say(escapeHelp),
      overflow: () => {
        if (!this.#lostKeys) {
          this.#lostKeys = true;
          this.#say(["The device does not take what is typed: keys are lost from now on."]);
        }
      },
    };
  }

  #isPlainText(stream: "stdout" | "stderr"): boolean {
    return this.#out.format === "text" && this.#world[stream].isTerminal;
  }

  #filtered(source: Source, stream: "stdout" | "stderr", bytes: Uint8Array): Uint8Array {
    const allowance = this.#options.raw ? "everything" : this.#isRaw ? "interactive" : "plain";
    const passed = this.#filters[stream].filter(bytes, allowance);
    return this.#isRaw && source === "print" ? withReturns(passed) : passed;
  }

  #write(stream: "stdout" | "stderr", data: Uint8Array): Promise<void> {
    const { metadata, runId } = this.#options;
    return this.#out.write({
      type: "module-output",
      data,
      isError: stream === "stderr",
      ...(metadata === undefined ? {} : { metadata }),
      ...(runId === undefined ? {} : { runId }),
    });
  }

  /** Sentences of the console itself, for the one at the keyboard. They matter less than what the device says. */
  #say(lines: readonly string[]): void {
    const gap = this.#keyboard?.terminal.footer.isAtLineStart === true ? "" : "\n";
    const text = lines.map((line) => `${ownWords(line)}\n`).join("");
    this.#screen()
      .write(gap + text)
      .catch(() => {});
  }

  /** Undoes what output has done to the terminal. Who cannot be written to needs no restoring. */
  async #restore(): Promise<void> {
    const back = this.#modes.leave();
    if (back !== "") {
      this.#modes.forget();
      await this.#screen()
        .write(back)
        .catch(() => {});
    }
  }

  #screen(): Outlet {
    return this.#world.stdout.isTerminal ? this.#world.stdout : this.#world.stderr;
  }
}

/** Line feeds of people's text for a terminal that does nothing of its own with them. */
function withReturns(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1");
  return Buffer.from(text.replace(/(?<!\r)\n/g, "\r\n"), "latin1");
}
