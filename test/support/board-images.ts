import { execFile, spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const recipe = join(import.meta.dirname, "../../contrib/uml-board/make-images.sh");

const packages = {
  "linux.uml": "user-mode-linux",
  socat: "socat",
  busybox: "busybox-static",
  mke2fs: "e2fsprogs",
  xz: "xz-utils",
  zstd: "zstd",
} as const;

/** The `skip` of a test that boots a virtual board: false, or the reason. */
export function boardSkip(): string | false {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  const missing = Object.entries(packages).filter(
    ([program]) => !folders.some((folder) => runs(join(folder, program))),
  );
  if (missing.length > 0) {
    return `needs ${missing.map(([program]) => program).join(", ")}: apt-get install ${missing.map(([, name]) => name).join(" ")}`;
  }
  return spawnSync("linux.uml", ["--version"]).status === 0 ? false : "linux.uml does not run on this computer";
}

/** Makes board-1.0.img and board-2.0.img in a directory, and each as .gz, .zst and .xz. */
export async function makeBoardImages(directory: string): Promise<void> {
  await promisify(execFile)(recipe, ["-c", directory, "1.0", "2.0"]);
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
