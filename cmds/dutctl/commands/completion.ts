import { completionScript } from "../completion/scripts.ts";
import type { Shell } from "../grammar.ts";
import type { World } from "../world.ts";

/** Prints the script that makes a shell complete command lines of this program; it is the same in every format. */
export async function completion(shell: Shell, { stdout }: World): Promise<void> {
  await stdout.write(completionScript(shell));
}
