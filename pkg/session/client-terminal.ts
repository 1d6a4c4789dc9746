import { constants } from "node:os";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Terminal, TerminalSize } from "#pkg/modules/session.ts";

/** Those who want to be told something, until they say otherwise. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  add(listener: (value: T) => void): Disposable {
    // The same function may listen twice.
    const own = (value: T) => listener(value);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  tell(value: T): void {
    for (const listener of this.#listeners) {
      listener(value);
    }
  }
}

/** The terminal of a client as it is now. */
export class ClientTerminal implements Terminal {
  readonly type: string;
  readonly #sizes = new Listeners<TerminalSize>();
  #size: TerminalSize;

  constructor(type: string, size: TerminalSize) {
    this.type = type;
    this.#size = size;
  }

  get size(): TerminalSize {
    return this.#size;
  }

  onResize(listener: (size: TerminalSize) => void): Disposable {
    return this.#sizes.add(listener);
  }

  resize(size: TerminalSize): void {
    if (size.rows !== this.#size.rows || size.columns !== this.#size.columns) {
      this.#size = size;
      this.#sizes.tell(size);
    }
  }
}

/** Throws invalid_argument for what is no signal of this computer. */
export function parseSignal(name: string): NodeJS.Signals {
  if (!Object.hasOwn(constants.signals, name)) {
    throw new DutError("invalid_argument", `there is no signal ${quote(name)}`, { hint: "such as SIGINT or SIGQUIT" });
  }
  return name as NodeJS.Signals;
}
