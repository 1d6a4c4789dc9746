import { execFile, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { qemu } from "#pkg/modules/qemu/qemu.ts";
import { openBoard } from "./board-under-test.ts";

type BoardUnderTest = Awaited<ReturnType<typeof openBoard>>;

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

/** A kernel and RAM disk, and boards that boot them without KVM; `pc` is the machine that does it soonest. */
export class QemuBoots implements AsyncDisposable {
  /** The options of a board that boots. */
  readonly options: Awaited<ReturnType<typeof makeQemuBoot>> & {
    readonly machine: string;
    readonly accel: string;
    /** A busy computer takes its time to shut a board down. */
    readonly grace: string;
  };
  readonly #directory: AsyncDisposable;

  private constructor(directory: AsyncDisposable, boot: Awaited<ReturnType<typeof makeQemuBoot>>) {
    this.#directory = directory;
    this.options = { ...boot, machine: "pc", accel: "tcg", grace: "2m" };
  }

  static async make(): Promise<QemuBoots> {
    const directory = await mkdtempDisposable(join(tmpdir(), "qemu-boot-"));
    return new QemuBoots(directory, await makeQemuBoot(directory.path));
  }

  /** A board in a directory of its own, unless the options have one. */
  async open(t: TestContext, options: object): Promise<BoardUnderTest> {
    const directory = await mkdtempDisposable(join(tmpdir(), "qemu-"));
    t.after(() => directory.remove());
    return await openBoard(t, qemu, { state: directory.path, ...this.options, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** The process that is the board. */
export async function pidOf(board: BoardUnderTest): Promise<number> {
  const { transcript } = await board.transcriptOf(["status"]);
  return Number(/pid (\d+)/.exec(JSON.stringify(transcript))?.[1]);
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
