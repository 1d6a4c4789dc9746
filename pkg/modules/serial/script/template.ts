/** What was captured so far, by the names of the groups. */
export type Variables = ReadonlyMap<string, string>;

/** Text with places for variables. */
export type Template<Literal> = readonly (Literal | { readonly name: string })[];

const reference = /%\{([A-Za-z0-9_]+)\}/g;

/**
 * A word of a script, with a place wherever `%{name}` names a group of an expression before it. Any other `%{…}` is text:
 * scripts say such things to programs on the device (`curl -w '%{http_code}'`).
 */
export function parseTemplate(word: string, known: ReadonlySet<string>): Template<string> {
  const parts: (string | { name: string })[] = [];
  let end = 0;
  for (const { 0: match, 1: name = "", index } of word.matchAll(reference)) {
    if (known.has(name)) {
      parts.push(word.slice(end, index), { name });
      end = index + match.length;
    }
  }
  return [...parts, word.slice(end)].filter((part) => part !== "");
}

/** The parts with each variable replaced, changed by `insert`; one that took no part in its match is empty. */
export function fillTemplate<Literal, Filled>(
  template: Template<Literal>,
  variables: Variables,
  insert: (value: string) => Filled,
): (Literal | Filled)[] {
  return template.map((part) => (isPlace(part) ? insert(variables.get(part.name) ?? "") : part));
}

/** Whether a part is a place for a variable. */
export function isPlace<Literal>(part: Literal | { readonly name: string }): part is { readonly name: string } {
  return typeof part === "object" && part !== null && "name" in part;
}
