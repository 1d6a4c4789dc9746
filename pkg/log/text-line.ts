import { styleText } from "node:util";
import { quote } from "#pkg/golang/quote.ts";

/** A record as it arrives from the logger: all values are JSON. */
export interface LogRecord {
  readonly time: string;
  readonly level: string;
  readonly msg?: string;
  /** Absent when there are none. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** `2006/01/02 15:04:05 LEVEL [scope] message key=value …` in local time, with its newline. */
export function renderTextLine({ time, level, msg = "", fields = {} }: LogRecord, colour: boolean): string {
  const { scope, ...attributes } = fields;
  const when = localTime(new Date(time));
  const rest = [
    level.padEnd(5),
    ...(scope === undefined ? [] : [`[${oneLine(String(scope))}]`]),
    oneLine(msg),
    ...flat("", attributes).map(([name, value]) => `${quoteIfNeeded(name)}=${quoteIfNeeded(value)}`),
  ].join(" ");
  return colour ? `${paint("gray", when)} ${paint(colours[level], rest)}\n` : `${when} ${rest}\n`;
}

const colours: Readonly<Record<string, "red" | "yellow" | "gray">> = { ERROR: "red", WARN: "yellow", DEBUG: "gray" };

function paint(style: "red" | "yellow" | "gray" | undefined, text: string): string {
  return style === undefined ? text : styleText(style, text, { validateStream: false });
}

function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const date = [String(time.getFullYear()), two(time.getMonth() + 1), two(time.getDate())].join("/");
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** Nested objects as dotted names; an empty object has none. */
function flat(prefix: string, fields: object): readonly (readonly [string, string])[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    isGroup(value) ? flat(`${prefix}${name}.`, value) : [[`${prefix}${name}`, shown(value)] as const],
  );
}

function isGroup(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lists as Go prints them: `[a b]`. */
function shown(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(shown).join(" ")}]`;
  }
  return isGroup(value) ? JSON.stringify(value) : String(value);
}

/** What would end a word or steer a terminal: blanks, control and invisible characters, and the signs of the format itself. */
function quoteIfNeeded(text: string): string {
  return text === "" || /[\s\p{C}="]/u.test(text) ? quote(text) : text;
}

function oneLine(text: string): string {
  return text.replace(/[\p{C}\u2028\u2029]/gu, (character) => quote(character).slice(1, -1));
}
