import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";

const isRoot = process.getuid?.() === 0;

/** Who is not root is it in a namespace of users of its own. */
const unshare = ["unshare", ...(isRoot ? ["--mount"] : ["--map-root-user", "--mount"])];

/** Why nothing can be mounted here; undefined when it can. */
export const mountsAreMissing =
  spawnSync(unshare[0] as string, [...unshare.slice(1), "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0
    ? undefined
    : "needs the right to mount in a namespace of its own";

/** Why no image can be mounted here as a disk. */
export const disksAreMissing =
  mountsAreMissing ?? (isRoot && existsSync("/dev/loop-control") ? undefined : "needs root and /dev/loop-control");

/** A file system that is mounted where only processes behind `enter` see it. Disposing takes it away. */
export class PrivateMount implements AsyncDisposable {
  /** Where it is for those behind `enter`. */
  readonly path: string;
  /** The words before those of a program that is to see it. */
  readonly enter: readonly string[];
  readonly #holder: Child;
  readonly #opened: AsyncDisposableStack;

  private constructor(path: string, holder: Child, opened: AsyncDisposableStack) {
    const pid = `${holder.process.pid}`;
    this.path = path;
    this.enter = ["nsenter", ...(isRoot ? [] : ["--user", "--preserve-credentials"]), "--mount", "--target", pid];
    this.#holder = holder;
    this.#opened = opened;
  }

  /** A file system in memory, of so many bytes. */
  static tmpfs(bytes: number): Promise<PrivateMount> {
    return PrivateMount.#open(`mount -t tmpfs -o size=${bytes} none "$1"`);
  }

  /** ext4 on an image of so many bytes. */
  static ext4(bytes: number): Promise<PrivateMount> {
    return PrivateMount.#open(`truncate -s ${bytes} "$1.img" && mkfs.ext4 -q "$1.img" && mount -o loop "$1.img" "$1"`);
  }

  static async #open(mount: string): Promise<PrivateMount> {
    await using opened = new AsyncDisposableStack();
    const folder = opened.use(await mkdtempDisposable(join(tmpdir(), "mount-")));
    const path = join(folder.path, "disk");
    const script = `set -e; mkdir "$1"; ${mount}; echo mounted; read -r _`;
    const holder = opened.use(new Child([...unshare, "sh", "-c", script, "sh", path], { cwd: "/", env: process.env }));
    await holder.said("stdout", /mounted/);
    return new PrivateMount(path, holder, opened.move());
  }

  /** The same place as this process sees it. */
  get seen(): string {
    return `/proc/${this.#holder.process.pid}/root${this.path}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
