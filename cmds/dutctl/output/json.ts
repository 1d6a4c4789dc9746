import { type Renderer, type RenderOptions, streamOf } from "./content.ts";
import { documentOf } from "./document.ts";
import { escapeJson } from "./escape.ts";
import type { Tree } from "./trees.ts";
import { decodeUtf8 } from "./utf8.ts";

const keys = { name: "Name", locked: "Locked", owner: "Owner", expiresAt: "ExpiresAt" };

/** One indented object per content, escaped as Go's encoding/json does. */
export function jsonRenderer(options: RenderOptions): Renderer {
  return (content) => {
    const tree = documentOf(content, options, { keys, textOnly: true });
    if (tree === undefined) {
      return [];
    }
    const document = `${jsonOf(tree, "")}\n`;
    return [options[streamOf(content)].isTerminal ? escapeJson(document) : document];
  };
}

function jsonOf(tree: Tree, indent: string): string {
  if (typeof tree === "string") {
    return jsonString(tree);
  }
  if (typeof tree !== "object" || tree === null) {
    return String(tree);
  }
  if (tree instanceof Uint8Array) {
    return jsonString(textOf(tree));
  }
  const inner = `${indent}  `;
  if (Array.isArray(tree)) {
    return bracket(
      "[",
      tree.map((item: Tree) => jsonOf(item, inner)),
      "]",
      indent,
    );
  }
  const members = Object.entries(tree).map(([key, value]) => `${jsonString(key)}: ${jsonOf(value, inner)}`);
  return bracket("{", members, "}", indent);
}

function bracket(open: string, items: readonly string[], close: string, indent: string): string {
  return items.length === 0
    ? open + close
    : `${open}\n${items.map((item) => `${indent}  ${item}`).join(",\n")}\n${indent}${close}`;
}

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON escapes them
const escaped = /["\\\u0000-\u001f<>&\u2028\u2029\p{Cs}]/gu;

function jsonString(text: string): string {
  return `"${text.replace(escaped, (character) => shortEscapes[character] ?? unicodeEscape(character))}"`;
}

/** A lone surrogate stands for a byte that is no UTF-8, which Go shows as the escape of U+FFFD. */
function unicodeEscape(character: string): string {
  const unit = character.charCodeAt(0);
  return `\\u${(unit >= 0xd800 && unit <= 0xdfff ? 0xfffd : unit).toString(16).padStart(4, "0")}`;
}

/** Text of bytes; like Go, and unlike TextDecoder, it makes one mark of every byte that is no UTF-8. */
function textOf(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? marked(bytes);
}

function marked(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; ) {
    const character = characterAt(bytes, start);
    text += character?.text ?? "\udfff";
    start += character?.length ?? 1;
  }
  return text;
}

function characterAt(bytes: Uint8Array, start: number): { text: string; length: number } | undefined {
  const lead = bytes[start] as number;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const text = decodeUtf8(bytes.subarray(start, start + length));
  return text === undefined ? undefined : { text, length };
}
