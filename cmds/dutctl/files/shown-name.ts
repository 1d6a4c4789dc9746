import { quote } from "#pkg/golang/quote.ts";

/** More of a name than this says nothing to a user. Characters. */
const longestShown = 200;

/** A name from a peer for a sentence: quoted, everything that steers a terminal escaped, of a bounded length. */
export function shownName(name: string): string {
  return name.length <= longestShown ? quote(name) : `${quote(name.slice(0, longestShown))}…`;
}
