/**
 * swap-folder.ts PATH TARGET: has a folder and a symbolic link to TARGET at PATH in turns, as fast as it can, until its
 * input ends, and leaves the folder there. Says `swapping` when both have been there. What others make at PATH in the
 * moment in between is removed.
 */
import { renameSync, rmSync, symlinkSync } from "node:fs";

const [path = "", target = ""] = process.argv.slice(2);
const aside = `${path}.aside`;

/** Each is there for a while that differs from turn to turn, so that it is met in every moment. */
function rest(turns: number): void {
  for (const end = performance.now() + (turns % 7) / 20; performance.now() < end; );
}

/** Does what needs PATH to be free, also while others make something there. */
function place(act: () => void): void {
  for (let placed = false; !placed; ) {
    try {
      rmSync(path, { recursive: true, force: true });
      act();
      placed = true;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && ["EEXIST", "ENOTEMPTY"].includes(`${error.code}`))) {
        throw error;
      }
    }
  }
}

let turns = 0;
const turn = () => {
  renameSync(path, aside);
  place(() => symlinkSync(target, path));
  rest(turns);
  place(() => renameSync(aside, path));
  rest(turns);
  if (turns++ === 0) {
    process.stdout.write("swapping\n");
  }
  again = setImmediate(turn);
};
let again = setImmediate(turn);
process.stdin.resume().on("end", () => clearImmediate(again));
