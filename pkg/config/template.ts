/** What an argument may be called, so that it can be referred to. */
export const argumentName = /^[a-zA-Z0-9_-]+$/;

/** A reference to an argument, or with one more dollar in front the text of one. */
const reference = /(\$?)\$\{([a-zA-Z0-9_-]+)\}/g;

/** The text between references, with `$${name}` turned into a literal `${name}`, and the references. */
export function splitTemplate(text: string): readonly (string | { readonly name: string })[] {
  const parts: (string | { name: string })[] = [];
  let end = 0;
  for (const { 0: match, 1: extraDollar, 2: name = "", index } of text.matchAll(reference)) {
    parts.push(text.slice(end, index), extraDollar === "" ? { name } : `\${${name}}`);
    end = index + match.length;
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}

/** The names that `${name}` stands for in a text; `$${name}` is no reference. */
export function referencesIn(text: string): readonly string[] {
  return splitTemplate(text).flatMap((part) => (typeof part === "string" ? [] : [part.name]));
}

/** The text with every `${name}` replaced. What is inserted is not looked at again, and no quoting is applied. */
export function expandTemplate(text: string, lookUp: (name: string) => string): string {
  return splitTemplate(text)
    .map((part) => (typeof part === "string" ? part : lookUp(part.name)))
    .join("");
}
