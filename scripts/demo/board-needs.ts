import type { Processes } from "#pkg/host/processes.ts";

const packages = {
  "linux.uml": "user-mode-linux",
  busybox: "busybox-static",
  mke2fs: "e2fsprogs",
  socat: "socat",
  xz: "xz-utils",
  zstd: "zstd",
} as const;

type Program = keyof typeof packages;

/** Debian keeps mke2fs where only root's PATH leads. */
const folders = ["", "/usr/sbin/", "/sbin/"];

/** What the board itself needs; images are compressed with the rest. */
const forBoard: readonly Program[] = ["linux.uml", "busybox", "mke2fs", "socat"];

/**
 * Why this computer cannot run the virtual board and the programs that are wanted besides, and what to do about it;
 * undefined when it can.
 */
export async function whyNoBoard(
  processes: Processes,
  signal: AbortSignal,
  besides: readonly Program[] = [],
): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `User-Mode Linux is for Linux on x86-64, and this is ${process.platform}-${process.arch}`;
  }
  const succeeds = async (program: string, ...args: readonly string[]) => {
    await using child = await processes.start({ program, args, signal });
    const status = await child.exited;
    return status.kind === "exited" && status.code === 0;
  };
  const missing: Program[] = [];
  for (const program of [...forBoard, ...besides]) {
    const paths = await Promise.all(folders.map((folder) => processes.find(`${folder}${program}`)));
    const path = paths.find((found) => found !== undefined);
    // The usual busybox of Debian needs shared libraries, which the board has not: ldd succeeds with such programs.
    if (path === undefined || (program === "busybox" && (await succeeds("ldd", path)))) {
      missing.push(program);
    }
  }
  if (missing.length > 0) {
    const sudo = process.getuid?.() === 0 ? "" : "sudo ";
    const names = missing.map((program) => packages[program]);
    return `it needs ${names.join(", ")}: ${sudo}apt-get install --no-install-recommends ${names.join(" ")}`;
  }
  return (await succeeds("linux.uml", "--version")) ? undefined : "linux.uml does not run on this computer";
}
