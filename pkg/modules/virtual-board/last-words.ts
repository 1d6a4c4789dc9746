import { Tail } from "../tool/tail.ts";

/** What a program says to its starter: some lines at its beginning and its last messages. */
const keptBytes = 8000;

/** The end of a program's output as text, once there is no more of it. */
export async function lastWords(output: AsyncIterable<Uint8Array>): Promise<string> {
  const tail = new Tail(keptBytes);
  for await (const piece of output) {
    tail.push(piece);
  }
  return tail.bytes.toString();
}
