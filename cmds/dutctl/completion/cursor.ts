import { flags } from "../options.ts";

/** Where in a command line the word stands that is to be completed. */
export type Cursor =
  /** The value of an option; `head` is what of the word stands before it, such as `-f=`. */
  | { readonly kind: "value"; readonly flag: keyof typeof flags; readonly head: string; readonly written: string }
  | { readonly kind: "option"; readonly written: string }
  | {
      readonly kind: "word";
      /** The words before it, without the options. */
      readonly before: readonly string[];
      /** Behind `--`, where the first word is a device. */
      readonly terminated: boolean;
      readonly written: string;
    };

export interface Written {
  /** The options that are whole. */
  readonly options: readonly string[];
  readonly cursor: Cursor;
}

/** Finds the place of the last word; undefined where nothing sensible can follow. */
export function findCursor(words: readonly string[]): Written | undefined {
  const written = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  let next = 0;
  for (;;) {
    const options = before.slice(0, next);
    const word = before[next];
    if (word === undefined) {
      return { options, cursor: cursorOf(written) };
    }
    if (word === "--" || word === "-" || !word.startsWith("-")) {
      const terminated = word === "--";
      return {
        options,
        cursor: { kind: "word", before: before.slice(terminated ? next + 1 : next), terminated, written },
      };
    }
    const [, name = "", value] = /^--?([^=]*)(=.*)?$/s.exec(word) ?? [];
    if (!isFlag(name)) {
      return undefined;
    }
    const flag = flags[name];
    next++;
    if (value !== undefined || flag.kind === "boolean") {
      continue;
    }
    const following = before[next];
    if (flag.kind === "optional") {
      next += following !== undefined && flag.accepts(following) ? 1 : 0;
    } else if (following === undefined) {
      return { options, cursor: { kind: "value", flag: name, head: "", written } };
    } else {
      next++;
    }
  }
}

function cursorOf(written: string): Cursor {
  const [, head = "", name = "", value = ""] = /^(--?([^=]+)=)(.*)$/s.exec(written) ?? [];
  if (isFlag(name)) {
    return { kind: "value", flag: name, head, written: value };
  }
  return written.startsWith("-")
    ? { kind: "option", written }
    : { kind: "word", before: [], terminated: false, written };
}

function isFlag(name: string): name is keyof typeof flags {
  return Object.hasOwn(flags, name);
}
