import { decodeUtf8 } from "./utf8.ts";

/** Words that YAML reads as something else than a string: null, booleans (of 1.1 too), not-a-number, infinities, merge. */
const words =
  /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|\.nan|\.NaN|\.NAN|[+-]?\.(?:inf|Inf|INF)|<<|y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/;

const numbers =
  /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$/;

const times = /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ ]+)\d{1,2}:\d{1,2}:\d{1,2}(?:\.\d*)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/** What yaml.v3 writes as it is; everything else, also beyond the basic plane, makes it use double quotes. */
const unprintable = /[^\n\x20-\x7e\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;

/** Printable to YAML, but not to be let through to a terminal. */
const invisible = /[\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f]/u;

const indicatorFirst = /^(?:[#,[\]{}&*!|>'"%@`]|[-?:](?:[ \t\n]|$)|---|\.\.\.)/;
const indicatorInside = /:(?:[ \t\n]|$)|[ \t\n]#/;

/**
 * A string as yaml.v3 writes it behind a key in column `column`: plain, quoted or as a block; bytes that are no UTF-8
 * as !!binary. `guarded` also escapes characters that deceive a terminal.
 */
export function yamlScalar(value: string | Uint8Array, column: number, guarded: boolean): string {
  const text = typeof value === "string" ? value : decodeUtf8(value);
  if (text === undefined) {
    return binary(value as Uint8Array, column);
  }
  if (text.includes("\n")) {
    return blockAllowed(text, guarded) ? block(text, column) : doubleQuoted(text);
  }
  if (text === "" || words.test(text) || numbers.test(text) || times.test(text)) {
    return `"${text}"`;
  }
  if (unprintable.test(text) || /[\u2028\u2029]/u.test(text) || (guarded && invisible.test(text))) {
    return doubleQuoted(text);
  }
  const plain = !/^ | $/.test(text) && !indicatorFirst.test(text) && !indicatorInside.test(text);
  return plain ? text : `'${text.replaceAll("'", "''")}'`;
}

/** A key: as a scalar, but always in one line. */
export function yamlKey(key: string, guarded: boolean): string {
  return key.includes("\n") ? doubleQuoted(key) : yamlScalar(key, 0, guarded);
}

function blockAllowed(text: string, guarded: boolean): boolean {
  return !(unprintable.test(text.replaceAll("\t", "")) || / (?:\n|$)/.test(text) || (guarded && invisible.test(text)));
}

/** A literal block; its lines stand four columns deeper than the key. */
function block(text: string, column: number): string {
  const indentation = /^[ \n]/.test(text) ? "4" : "";
  const chomping = text === "\n" || text.endsWith("\n\n") ? "+" : text.endsWith("\n") ? "" : "-";
  const lines = (text.endsWith("\n") ? text.slice(0, -1) : text)
    .split("\n")
    .map((line) => (line === "" ? "" : `${" ".repeat(column + 4)}${line}`));
  return `|${indentation}${chomping}\n${lines.join("\n")}`;
}

const shortEscapes: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\x85": "\\N",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

function doubleQuoted(text: string): string {
  const characters = Array.from(text, (character) => {
    const short = shortEscapes[character];
    if (short !== undefined) {
      return short;
    }
    if (!unprintable.test(character) && !invisible.test(character)) {
      return character;
    }
    const point = character.codePointAt(0) as number;
    const hex = point.toString(16).toUpperCase();
    if (point <= 0xff) {
      return `\\x${hex.padStart(2, "0")}`;
    }
    return point <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
  });
  return `"${characters.join("")}"`;
}

/** yaml.v3 breaks base64 into lines of 70. */
function binary(bytes: Uint8Array, column: number): string {
  const base64 = Buffer.from(bytes).toString("base64");
  if (base64.length < 70) {
    return `!!binary ${base64}`;
  }
  return `!!binary ${block(base64.replace(/.{1,70}/g, "$&\n"), column)}`;
}
