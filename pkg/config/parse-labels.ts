import { complain, complainAboutKey, entriesOf, type Place, textOf } from "./place.ts";

/** Labels of one device, and characters of a key and of a value. */
const most = 64;

/** The labels of a device; each that cannot be one is complained about. */
export function parseLabels(labels: Place | undefined): ReadonlyMap<string, string> {
  if (labels === undefined) {
    return new Map();
  }
  const places = entriesOf(labels, "a mapping of labels, such as rack: left");
  if (places.size > most) {
    complainAboutKey(labels, `a device has at most ${most} labels, found ${places.size}`);
  }
  return new Map(Array.from(places, ([key, place]) => [key, parseLabel(key, place)]));
}

function parseLabel(key: string, place: Place): string {
  if (!/^[A-Za-z0-9]([\w./-]*[A-Za-z0-9])?$/.test(key)) {
    complainAboutKey(place, "the name of a label is letters, digits and . _ / - in between");
  } else if (key.length > most) {
    complainAboutKey(place, `the name of a label has at most ${most} characters`);
  }
  const value = textOf(place);
  if (/[\p{Cc}\u2028\u2029]/u.test(value)) {
    complain(place, "a label must not contain control characters");
  } else if (Array.from(value).length > most) {
    complain(place, `a label has at most ${most} characters, found ${Array.from(value).length}`);
  }
  return value;
}
