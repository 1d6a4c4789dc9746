import type { Processes } from "#pkg/host/processes.ts";

const packages = {
  "linux.uml": "user-mode-linux",
  busybox: "busybox-static",
  mke2fs: "e2fsprogs",
  socat: "socat",
} as const;

/** Debian keeps mke2fs where only root's PATH leads. */
const folders = ["", "/usr/sbin/", "/sbin/"];

/** Why this computer cannot run the virtual board, and what to do about it; undefined when it can. */
export async function whyNoBoard(processes: Processes, signal: AbortSignal): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return `User-Mode Linux is for Linux on x86-64, and this is ${process.platform}-${process.arch}`;
  }
  const missing: string[] = [];
  for (const program of Object.keys(packages)) {
    const found = await Promise.all(folders.map((folder) => processes.find(`${folder}${program}`)));
    if (found.every((path) => path === undefined)) {
      missing.push(program);
    }
  }
  if (missing.length > 0) {
    const names = Object.entries(packages).flatMap(([program, name]) => (missing.includes(program) ? [name] : []));
    const sudo = process.getuid?.() === 0 ? "" : "sudo ";
    return `it needs ${missing.join(", ")}: ${sudo}apt-get install --no-install-recommends ${names.join(" ")}`;
  }
  await using kernel = await processes.start({ program: "linux.uml", args: ["--version"], signal });
  const status = await kernel.exited;
  return status.kind === "exited" && status.code === 0 ? undefined : "linux.uml does not run on this computer";
}
