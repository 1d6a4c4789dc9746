import type { Session } from "#pkg/modules/session.ts";
import { EscapeFilter } from "./escape-filter.ts";
import { SecretMask } from "./secret-mask.ts";

const newline = 0x0a;

/** What a run shows: the device's output, and markers, each on a line of its own. */
export class RunOutput {
  readonly #session: Session;
  readonly #filter: EscapeFilter | undefined;
  readonly #mask = new SecretMask();
  #atLineStart = true;

  constructor(session: Session, keepEscapes: boolean) {
    this.#session = session;
    this.#filter = keepEscapes ? undefined : new EscapeFilter();
  }

  /** From now on the secret is shown as `***`. */
  hide(secret: Uint8Array): void {
    this.#mask.add(secret);
  }

  /** Shows what the device said and returns it as it is to be matched: without escape sequences, with secrets. */
  async device(piece: Uint8Array): Promise<Uint8Array> {
    const text = this.#filter?.write(piece) ?? piece;
    await this.#show(this.#mask.write(text));
    return text;
  }

  async marker(text: string): Promise<void> {
    await this.flush();
    if (!this.#atLineStart) {
      await this.#session.print("\n");
    }
    await this.#session.print(`--- ${text} ---\n`);
    this.#atLineStart = true;
  }

  /** Shows what the mask still keeps back. */
  async flush(): Promise<void> {
    await this.#show(this.#mask.end());
  }

  async #show(bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) {
      await this.#session.stdout(bytes);
      this.#atLineStart = bytes.at(-1) === newline;
    }
  }
}
