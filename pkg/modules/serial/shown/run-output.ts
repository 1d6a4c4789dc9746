import type { Session } from "#pkg/modules/session.ts";
import type { Piece } from "../port/port-reader.ts";
import type { Secrets } from "../port/secrets.ts";
import { EscapeFilter } from "./escape-filter.ts";
import { SecretMask } from "./secret-mask.ts";

const newline = 0x0a;

/** What a run shows: the device's output, and markers, each on a line of its own. */
export class RunOutput {
  readonly #session: Session;
  readonly #filter: EscapeFilter | undefined;
  readonly #mask: SecretMask;
  #atLineStart = true;

  constructor(session: Session, keepEscapes: boolean, secrets: Secrets) {
    this.#session = session;
    this.#mask = new SecretMask(secrets);
    this.#filter = keepEscapes ? undefined : new EscapeFilter();
  }

  /** Shows what the device said and returns it as it is to be matched: without escape sequences, with secrets. */
  async device(piece: Uint8Array): Promise<Uint8Array> {
    const text = this.#filter?.write(piece) ?? piece;
    await this.#show(this.#mask.write(text));
    return text;
  }

  /** The same for what a reader of a port has read, and says what it came too late for. */
  async piece({ bytes, missed }: Piece): Promise<Uint8Array> {
    if (missed > 0) {
      await this.marker(`${missed} bytes are missing here: they came faster than they were taken`);
    }
    return await this.device(bytes);
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
