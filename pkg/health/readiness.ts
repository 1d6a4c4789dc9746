/** Whether a program wants to be given work, and why not. Its parts report to it. */
export class Readiness {
  readonly #reasons = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  #leaving = false;

  /** Why it does not, a clause each; empty when it does. */
  get reasons(): readonly string[] {
    return Array.from(this.#reasons.values());
  }

  /** Whether it will not be ready any more. */
  get leaving(): boolean {
    return this.#leaving;
  }

  /** What is wrong with a part of the program, in place of what was; undefined when nothing is. */
  report(part: string, reason: string | undefined): void {
    if (this.#reasons.get(part) === reason) {
      return;
    }
    if (reason === undefined) {
      this.#reasons.delete(part);
    } else {
      this.#reasons.set(part, reason);
    }
    this.#tell();
  }

  /** The program ends: it is not ready from now on, and who follows its health is let go. */
  leave(reason: string): void {
    this.#leaving = true;
    this.#reasons.set("leaving", reason);
    this.#tell();
  }

  /** Told every change until disposed. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  #tell(): void {
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
