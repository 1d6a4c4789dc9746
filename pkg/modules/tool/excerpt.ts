/** More than tools say in a line; an error has to fit into a message of the protocols, whatever a tool printed. */
const shownCharacters = 300;

/** What a tool said, for an error: all of it, or its beginning when the tool has gone mad. */
export function excerpt(said: string): string {
  return said.length <= shownCharacters ? said : `${said.slice(0, shownCharacters)}…`;
}
