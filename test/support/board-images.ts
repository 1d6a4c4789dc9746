import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import { whyNoBoard } from "../../scripts/demo/board-needs.ts";

const recipe = join(import.meta.dirname, "../../contrib/uml-board/make-images.sh");

/** The `skip` of a test that boots a virtual board: false, or the reason. */
export async function boardSkip(): Promise<string | false> {
  return (await whyNoBoard(nodeProcesses(), new AbortController().signal, ["xz", "zstd"])) ?? false;
}

/** Makes board-1.0.img and board-2.0.img in a directory, and each as .gz, .zst and .xz. */
export async function makeBoardImages(directory: string): Promise<void> {
  await promisify(execFile)(recipe, ["-c", directory, "1.0", "2.0"]);
}
