import { quote } from "#pkg/golang/quote.ts";
import { complainAboutKey, type Place, warnAboutKey } from "./place.ts";

/** Letters of Cyrillic and Greek, and the Latin ones that they look like (Unicode UTS #39, those of one shape in most fonts). */
const lookalikes: ReadonlyMap<string, string> = new Map([
  ...pairs("аеорсухіјѕԁһӏ", "aeopcyxijsdhl"),
  ...pairs("АВЕКМНОРСТХУІЈЅ", "ABEKMHOPCTXYIJS"),
  ...pairs("οανρ", "oavp"),
  ...pairs("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
]);

/**
 * Complains about names that people cannot tell apart, and about characters that nobody sees. What differs in capital
 * letters alone is only warned about: existing configurations may have it.
 */
export function checkAlike(places: ReadonlyMap<string, Place>): void {
  const seen = new Map<string, { readonly name: string; readonly place: Place }>();
  for (const [name, place] of places) {
    if (/\p{Cf}/u.test(name)) {
      complainAboutKey(place, "name must not contain characters that nobody sees");
    }
    const reading = readingOf(name);
    const other = seen.get(reading);
    if (other === undefined) {
      seen.set(reading, { name, place });
      continue;
    }
    const which = `${quote(other.name)} at line ${other.place.keyAt.line}`;
    if (name.toLowerCase() === other.name.toLowerCase()) {
      warnAboutKey(place, `only capital letters tell this from ${which}`);
    } else {
      complainAboutKey(place, `name looks like ${which}; rename one of them`);
    }
  }
}

/** The same for names that are taken for each other. */
function readingOf(name: string): string {
  const shapes = Array.from(
    name.normalize("NFKC").replace(/\p{Cf}/gu, ""),
    (letter) => lookalikes.get(letter) ?? letter,
  );
  return shapes.join("").toLowerCase();
}

function pairs(from: string, to: string): readonly (readonly [string, string])[] {
  return Array.from(from, (letter, index) => [letter, to[index] ?? letter] as const);
}
