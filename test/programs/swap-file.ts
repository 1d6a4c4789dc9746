/**
 * swap-file.ts PATH TARGET: puts a regular file with the text `mine` and a symbolic link to TARGET at PATH in turns, as
 * fast as it can, until its input ends. Says `swapping` when both have been there.
 */
import { renameSync, symlinkSync, writeFileSync } from "node:fs";

const [path = "", target = ""] = process.argv.slice(2);
const next = `${path}.next`;

/** Each is there for a while that differs from turn to turn, so that it is met in every moment. */
function rest(turns: number): void {
  for (const end = performance.now() + (turns % 7) / 20; performance.now() < end; );
}

let turns = 0;
const turn = () => {
  symlinkSync(target, next);
  renameSync(next, path);
  rest(turns);
  writeFileSync(next, "mine");
  renameSync(next, path);
  rest(turns);
  if (turns++ === 0) {
    process.stdout.write("swapping\n");
  }
  again = setImmediate(turn);
};
let again = setImmediate(turn);
process.stdin.resume().on("end", () => clearImmediate(again));
