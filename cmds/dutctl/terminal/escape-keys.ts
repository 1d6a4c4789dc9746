/** What the keys of a raw terminal mean to the console. */
export type KeyEvent =
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  | { readonly kind: "leave" }
  | { readonly kind: "help" };

const prefixKey = 0x01;

/** The bytes behind the escape that mean something; every other one is sent together with the escape. */
const leave = Buffer.from("xX");
const help = Buffer.from("?");

export const escapeHelp = [
  "Ctrl-A x         leave: the command is cancelled",
  "Ctrl-A Ctrl-A    send one Ctrl-A",
  "Ctrl-A ?         show these keys",
  "Every other key is sent as it is pressed, Ctrl-C too; Ctrl-A and another key are both sent.",
] as const;

/** Finds the escape key among what is typed, wherever the reads are split. A Ctrl-A waits for the key behind it. */
export class EscapeKeys {
  #escaped = false;

  read(bytes: Uint8Array): KeyEvent[] {
    const events: KeyEvent[] = [];
    let kept: number[] = [];
    const flush = () => {
      if (kept.length > 0) {
        events.push({ kind: "send", bytes: Uint8Array.from(kept) });
        kept = [];
      }
    };
    for (const byte of bytes) {
      if (!this.#escaped) {
        if (byte === prefixKey) {
          this.#escaped = true;
        } else {
          kept.push(byte);
        }
        continue;
      }
      this.#escaped = false;
      if (leave.includes(byte) || help.includes(byte)) {
        flush();
        events.push({ kind: leave.includes(byte) ? "leave" : "help" });
      } else {
        kept.push(prefixKey, ...(byte === prefixKey ? [] : [byte]));
      }
    }
    flush();
    return events;
  }
}
