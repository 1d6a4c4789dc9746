import { DutError } from "#pkg/errors/dut-error.ts";
import type { Level } from "./line-options.ts";

/** What gpioset shows when it takes commands. */
const prompt = "gpioset> ";

/** Far above a prompt and an answer. */
const keptCharacters = 4096;

/**
 * The commands of `gpioset --interactive` (2.x) for one line. Its input is never ended: at the end of its input gpioset
 * does not end but asks again without pause.
 */
export class Commands {
  readonly #pin: number;
  readonly #ready = Promise.withResolvers<void>();
  #command = Promise.withResolvers<string>();
  #answer: PromiseWithResolvers<string> | undefined;
  #text = "";

  constructor(pin: number) {
    this.#pin = pin;
  }

  /** Resolves at the first prompt, which comes when the line is held. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  async *stdin(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const command = await this.#command.promise;
      this.#command = Promise.withResolvers();
      yield Buffer.from(command);
    }
  }

  heard(piece: Uint8Array): void {
    this.#text = (this.#text + Buffer.from(piece).toString()).slice(-keptCharacters);
    if (this.#text.includes(prompt)) {
      this.#ready.resolve();
    }
    const [, value] = new RegExp(`"?${this.#pin}"?=(active|inactive)\\b`).exec(this.#text) ?? [];
    if (value !== undefined) {
      this.#answer?.resolve(value);
    }
  }

  /** Resolves when gpioset says that it has set the line; throws data_loss when it says another level. One at a time. */
  async set(level: Level): Promise<void> {
    const answer = Promise.withResolvers<string>();
    this.#answer = answer;
    this.#text = "";
    this.#command.resolve(`set ${this.#pin}=${level === "high" ? 1 : 0}\nget\n`);
    const value = await answer.promise;
    if ((value === "active") !== (level === "high")) {
      throw new DutError("data_loss", `gpioset says that line ${this.#pin} is ${value}, which is not ${level}`);
    }
  }
}
