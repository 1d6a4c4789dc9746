import { EscapeKeys } from "./escape-keys.ts";

export interface KeyboardOwner {
  /** Whether keys come one by one and the escape key has its meaning. */
  readonly isRaw: boolean;
  leave(): void;
  help(): void;
  /** Keys are lost, because nobody takes them. */
  overflow(): void;
}

/** Bytes of lines that wait for whoever takes them; the terminal keeps what is typed beyond. */
const mostLines = 64 * 1024;

/** Bytes of keys that wait. Beyond them keys are lost, but for those of the escape: that one is read whatever happens. */
const mostKeys = 1024 * 1024;

/** What is typed at a terminal, as lines or as keys. Reads on although nobody takes what it has, so that the escape key works. */
export class TypedInput implements AsyncIterable<Uint8Array> {
  readonly #stdin: () => AsyncIterable<Uint8Array>;
  readonly #owner: KeyboardOwner;
  readonly #keys = new EscapeKeys();
  readonly #waiting: Uint8Array[] = [];
  #size = 0;
  #reading: "not yet" | "reads" | "ended" = "not yet";
  #failure: { readonly error: unknown } | undefined;
  #news = Promise.withResolvers<void>();

  constructor(stdin: () => AsyncIterable<Uint8Array>, owner: KeyboardOwner) {
    this.#stdin = stdin;
    this.#owner = owner;
  }

  get hasEnded(): boolean {
    return this.#reading === "ended";
  }

  /** Begins to read, or goes on with keys when it waited with lines. */
  start(): void {
    if (this.#reading === "not yet") {
      this.#reading = "reads";
      void this.#read();
    }
    this.#tell();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.start();
    for (;;) {
      const bytes = this.#waiting.shift();
      if (bytes !== undefined) {
        this.#size -= bytes.length;
        this.#tell();
        yield bytes;
      } else if (this.#failure !== undefined) {
        throw this.#failure.error;
      } else if (this.hasEnded) {
        return;
      } else {
        await this.#news.promise;
      }
    }
  }

  async #read(): Promise<void> {
    try {
      for await (const bytes of this.#stdin()) {
        if (this.#owner.isRaw) {
          this.#readKeys(bytes);
        } else {
          this.#put(bytes);
        }
        while (this.#size >= mostLines && !this.#owner.isRaw) {
          await this.#news.promise;
        }
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#reading = "ended";
    this.#tell();
  }

  #readKeys(bytes: Uint8Array): void {
    for (const event of this.#keys.read(bytes)) {
      if (event.kind !== "send") {
        this.#owner[event.kind]();
      } else if (this.#size + event.bytes.length > mostKeys) {
        this.#owner.overflow();
      } else {
        this.#put(event.bytes);
      }
    }
  }

  #put(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#size += bytes.length;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
