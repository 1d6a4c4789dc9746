/** What an argument may be called, so that it can be referred to. */
export const argumentName = /^[a-zA-Z0-9_-]+$/;

/** A reference to an argument, or with one more dollar in front the text of one. */
const reference = /(\$?)\$\{([a-zA-Z0-9_-]+)\}/g;

/** The names that `${name}` stands for in a text; `$${name}` is no reference. */
export function referencesIn(text: string): readonly string[] {
  return Array.from(text.matchAll(reference))
    .filter(([, extraDollar]) => extraDollar === "")
    .map(([, , name]) => name as string);
}

/**
 * The text with every `${name}` replaced and every `$${name}` turned into a literal `${name}`. What is inserted is not
 * looked at again, and no quoting is applied.
 */
export function expandTemplate(text: string, lookUp: (name: string) => string): string {
  return text.replace(reference, (_, extraDollar: string, name: string) =>
    extraDollar === "" ? lookUp(name) : `\${${name}}`,
  );
}
