import { styleText } from "node:util";

/** What the demo shows: headings, command lines, and the output of commands byte by byte. */
export class Screen {
  readonly #write: (piece: string | Uint8Array) => void;
  #midLine = false;

  constructor(write: (piece: string | Uint8Array) => void) {
    this.#write = write;
  }

  heading(text: string): void {
    this.say(`\n${styleText(["bold", "cyan"], `# ${text}`)}\n`);
  }

  /** As it would stand behind a prompt. */
  command(line: string): void {
    this.say(styleText("bold", `$ ${line}`));
  }

  output(bytes: Uint8Array): void {
    this.#write(bytes);
    this.#midLine = bytes.at(-1) !== 0x0a;
  }

  passed(seconds: string): void {
    this.say(`${styleText("green", "✓")} ${styleText("dim", seconds)}\n`);
  }

  warning(text: string): void {
    this.say(styleText("yellow", text));
  }

  failure(text: string): void {
    this.say(`${styleText("red", "✗")} ${text}`);
  }

  /** One line or several, on lines of their own. */
  say(text: string): void {
    this.#write(`${this.#midLine ? "\n" : ""}${text}\n`);
    this.#midLine = false;
  }
}

/** The time since `started`, a value of performance.now(). */
export function secondsSince(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
