import { execFile, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const recipe = join(import.meta.dirname, "../../contrib/qemu-board/make-boot.sh");

/** The `skip` of a test that boots a board in QEMU: false, or the reason. */
export function qemuSkip(): string | false {
  const missing = [
    ...missingProgram("qemu-system-x86_64", "qemu-system-x86"),
    ...missingProgram("busybox", "busybox-static"),
    ...(globSync("/boot/vmlinuz-*-cloud-amd64").length === 0 ? ["linux-image-cloud-amd64"] : []),
  ];
  return missing.length > 0 && `needs ${missing.join(", ")}: apt-get install ${missing.join(" ")}`;
}

/** The package of a program that is not there. */
export function missingProgram(program: string, debianPackage: string): string[] {
  return spawnSync(program, ["--version"]).error === undefined ? [] : [debianPackage];
}

/** Makes vmlinuz and initrd.gz in a directory, and the options that boot them. */
export async function makeQemuBoot(directory: string) {
  await promisify(execFile)(recipe, [directory]);
  return {
    kernel: join(directory, "vmlinuz"),
    initrd: join(directory, "initrd.gz"),
    append: "console=tty0 console=ttyS0 quiet",
  };
}
