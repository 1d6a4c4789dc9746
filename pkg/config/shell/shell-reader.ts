import { splitTemplate } from "../template.ts";
import type { Insertion, Quotes, Refusal, ShellTemplate } from "./shell-template.ts";

/** Commands that read their arguments as the text of a program once more. */
const rereaders = new Set(["eval", "let", "trap", "alias", "declare", "typeset", "unset", "ssh", "watch", "parallel"]);

/** Programs that read the word behind -c as the text of a program. */
const shells = /(?:^|\/)(?:(?:ba|da|a|z|k|mk)?sh|su|sg|runuser|script|flock)$/;

/** One simple command of the text, as far as it has been read. */
interface SimpleCommand {
  /** The word that is being read without its quotes; undefined between words. */
  word: string | undefined;
  /** Whether the word has a `[` behind its first character: a subscript is arithmetic for some shells. */
  hasSubscript: boolean;
  /** Whether a shell was named, and whether its -c was the last word. */
  shell: "none" | "named" | "takes text";
  /** Why a value is not safe in what follows of this command. */
  doubt: string | undefined;
}

/** How many `$(` may stand in each other. */
const deepest = 20;

/** What may be skipped in one go: its end is where every shell sees it. */
const plainArithmetic = /^\$\(\([\w\s+\-*/%<>=!&|^~?:,$]*\)\)/;
const plainExpansion = /^\$\{[^'"`\\${}\0]*(?:\$\w[^'"`\\${}\0]*)*\}/;
const plainBackquotes = /^`[^'"`\\\0]*`/;

/** Reads the text of a template as a shell does, up to where shells do not agree or nobody can know. */
export class ShellReader {
  readonly #names: readonly string[];
  /** The text with a NUL, which no shell text can hold, for every reference. */
  readonly #text: string;
  readonly #pieces: (string | Insertion)[] = [];
  readonly #refusals: Refusal[] = [];
  #next = 0;
  #inserted = 0;
  #taken = 0;
  /** Why nobody can say in which quotes the rest of the text is. */
  #doubt: string | undefined;

  constructor(text: string) {
    const parts = splitTemplate(text);
    this.#names = parts.flatMap((part) => (typeof part === "string" ? [] : [part.name]));
    this.#text = parts.map((part) => (typeof part === "string" ? part.replaceAll("\0", "") : "\0")).join("");
    this.#doubt = text.includes("\0") ? "in a text that holds a NUL" : undefined;
  }

  read(): ShellTemplate {
    this.#code(0, undefined);
    this.#pieces.push(this.#text.slice(this.#taken));
    return { pieces: this.#pieces, refusals: this.#refusals };
  }

  /** Unquoted text, up to its end or to the `)` that closes a `$(`. */
  #code(nesting: number, inherited: string | undefined): void {
    const fresh = (): SimpleCommand => ({ word: undefined, hasSubscript: false, shell: "none", doubt: inherited });
    let command = fresh();
    let parentheses = 0;
    for (let character = this.#peek(); character !== undefined; character = this.#peek()) {
      if (/[\s;&|<>()]/.test(character)) {
        this.#endWord(command, nesting);
        if (this.#startsWith("<<")) {
          this.#doubt ??= "behind <<";
        } else if (this.#startsWith("((")) {
          this.#doubt ??= "behind ((";
        }
        parentheses += character === "(" ? 1 : character === ")" ? -1 : 0;
        if (parentheses < 0 && nesting > 0) {
          return;
        }
        command = /[;&|()\n]/.test(character) ? fresh() : command;
        this.#next++;
      } else if (character === "#" && command.word === undefined) {
        this.#comment(nesting);
      } else {
        this.#wordPart(character, command, nesting);
      }
    }
    this.#endWord(command, nesting);
  }

  #wordPart(character: string, command: SimpleCommand, nesting: number): void {
    const start = this.#next;
    const where = this.#whereIn(command);
    if (command.word === undefined && this.#startsWith("[[")) {
      this.#doubt ??= "behind [[";
    }
    command.hasSubscript ||= character === "[" && command.word !== undefined;
    switch (character) {
      case "\0":
        this.#reference("none", where);
        break;
      case "\\":
        this.#escape();
        if (this.#text.startsWith("\\\n", start)) {
          return;
        }
        break;
      case "'":
        this.#quoted("single", command, nesting);
        break;
      case '"':
        this.#quoted("double", command, nesting);
        break;
      case "$":
      case "`":
        this.#expansion("none", command, nesting);
        break;
      default:
        this.#next++;
    }
    command.word = (command.word ?? "") + this.#text.slice(start, this.#next).replaceAll(/['"\\]/g, "");
  }

  #quoted(quotes: "single" | "double", command: SimpleCommand, nesting: number): void {
    const mark = quotes === "single" ? "'" : '"';
    this.#next++;
    for (let character = this.#peek(); character !== undefined; character = this.#peek()) {
      if (character === mark) {
        this.#next++;
        return;
      }
      if (character === "\0") {
        this.#reference(quotes, this.#whereIn(command));
      } else if (quotes === "double" && character === "\\") {
        this.#escape();
      } else if (quotes === "double" && (character === "$" || character === "`")) {
        this.#expansion("double", command, nesting);
      } else {
        this.#next++;
      }
    }
  }

  #escape(): void {
    if (this.#startsWith("\\\n") && !/\s/.test(this.#text[this.#next - 1] ?? " ")) {
      this.#doubt ??= "behind a word that goes on in the next line";
    }
    this.#next++;
    if (this.#peek() === "\0") {
      this.#reference("none", "behind a backslash");
    } else {
      this.#next++;
    }
  }

  /** What begins with a dollar or a backquote. */
  #expansion(quotes: Quotes, command: SimpleCommand, nesting: number): void {
    const rest = this.#text.slice(this.#next);
    const plain = plainArithmetic.exec(rest) ?? plainExpansion.exec(rest) ?? plainBackquotes.exec(rest);
    if (plain !== null) {
      this.#next += plain[0].length;
      return;
    }
    const start = rest.startsWith("$") ? rest.slice(0, rest.startsWith("$((") ? 3 : 2) : "`";
    const isUnclear = ["$((", "${", "$[", "`"].includes(start) || (start === "$'" && quotes === "none");
    if (isUnclear) {
      this.#doubt ??= start === "`" ? "inside or behind backquotes" : `behind ${start}`;
      this.#next += start.length;
    } else if (start === "$(" && nesting === deepest) {
      this.#doubt ??= "behind many $( in each other";
      this.#next += 2;
    } else if (start === "$(") {
      this.#next += 2;
      this.#code(nesting + 1, this.#whereIn(command));
      this.#next++;
    } else {
      this.#next += /^\$[#$?!*@-]/.test(rest) ? 2 : 1;
    }
  }

  #comment(nesting: number): void {
    if (nesting > 0) {
      this.#doubt ??= "behind a comment in $( )";
    }
    for (let character = this.#peek(); character !== undefined && character !== "\n"; character = this.#peek()) {
      if (character === "\0") {
        this.#reference("none", "in a comment");
      } else {
        this.#next++;
      }
    }
  }

  #endWord(command: SimpleCommand, nesting: number): void {
    const { word } = command;
    if (word === undefined) {
      return;
    }
    if (rereaders.has(word)) {
      command.doubt ??= `behind ${word}`;
    } else if (word === "case" && nesting > 0) {
      this.#doubt ??= "behind case in $( )";
    }
    if (shells.test(word)) {
      command.shell = "named";
    } else if (command.shell !== "none") {
      command.shell = /^-\w*c\w*$/.test(word) ? "takes text" : "named";
    }
    command.word = undefined;
    command.hasSubscript = false;
  }

  #whereIn({ doubt, hasSubscript, shell, word }: SimpleCommand): string | undefined {
    if (shell === "takes text" || (shell === "named" && /^(?:-\w*c|--command)/.test(word ?? ""))) {
      return "in the text for another shell";
    }
    return doubt ?? (hasSubscript ? "behind [ in a word" : undefined);
  }

  #reference(within: Quotes, where: string | undefined): void {
    const name = this.#names[this.#inserted++] as string;
    const refused = where ?? this.#doubt;
    if (refused !== undefined) {
      this.#refusals.push({ name, where: refused });
    }
    this.#pieces.push(this.#text.slice(this.#taken, this.#next), { name, within });
    this.#next++;
    this.#taken = this.#next;
  }

  #peek(): string | undefined {
    return this.#text[this.#next];
  }

  #startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#next);
  }
}
