import type { RootedFiles } from "./rooted/rooted-files.ts";

/** The part of the file system that modules keep things in. Paths are absolute or relative to the working directory. */
export interface Files {
  /** Makes a directory, for its owner only, and its parents; an existing one is left as it is. Returns its real path. */
  makeDirectory(path: string): Promise<string>;

  /** Bytes of a file; undefined when there is none. Throws failed_precondition when it is something else. */
  size(path: string): Promise<number | undefined>;

  /** The first 64 KiB of a small file as text, or as many bytes as are said; undefined when there is none. */
  readText(path: string, mostBytes?: number): Promise<string | undefined>;

  writeText(path: string, text: string): Promise<void>;

  /** Adds to the end of a file and puts it on the disk; one that is missing is made, for its owner only. */
  appendText(path: string, text: string): Promise<void>;

  /** Names in a directory; none when there is no such directory. */
  list(path: string): Promise<readonly string[]>;

  /** Makes `path` a symbolic link to `target`, in place of a link that is there. Throws already_exists when something else is there. */
  link(path: string, target: string): Promise<void>;

  /** Removes a file, a link or a directory with everything in it; harmless when there is none. */
  remove(path: string): Promise<void>;

  /** Begins the next content of the file at `path`, in a file beside it named `<path>.new`; one that is there is overwritten. */
  replace(path: string): Promise<Replacement>;

  /**
   * Begins the next content of the file at `path`, or goes on where an earlier one ended, in a file beside it named
   * `<path>.part`. It stays there until it is committed or removed.
   */
  resume(path: string): Promise<PartFile>;

  /**
   * Holds the file at `path`, which is made when it is missing, against every other process. Undefined when another has it.
   * The kernel lets go when this process ends, however it ends.
   */
  lock(path: string): Promise<Disposable | undefined>;

  /** Opens a file of any size. Throws not_found, and failed_precondition when it is no regular file. */
  read(path: string): Promise<OpenFile>;

  /**
   * Makes a directory for its owner only, with a name that begins so, where temporary files of this computer are (TMPDIR,
   * else /tmp). Disposing removes it with everything in it; what an agent leaves that is killed, the
   * next one of the same user that serves removes.
   */
  temporaryDirectory(nameBegins: string): Promise<TemporaryDirectory>;

  /** Bytes that may still be written where a path is. */
  freeBytes(path: string): Promise<number>;

  /**
   * Opens a directory that nothing leaves: what is done through it stays below it. The path itself may lead through
   * symbolic links. A directory that is missing is made with its parents (0755), or not_found is thrown.
   */
  openRoot(path: string, missing: "make" | "refuse"): Promise<RootedFiles>;
}

/** A regular file that is open. What else is put in its place is not seen. */
export interface OpenFile extends AsyncDisposable {
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** From the beginning to the end, in pieces that are never changed afterwards; to be iterated once. */
  readonly content: AsyncIterable<Uint8Array>;
}

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/** A file in the making. Disposing it without `commit` removes it and leaves the old file as it was. */
export interface Replacement extends AsyncDisposable {
  readonly path: string;
  /** Appends. Throws resource_exhausted when the disk is full. */
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the content on the disk and then in the place of the old file, atomically. */
  commit(): Promise<void>;
}

/** A file in the making that outlives who makes it. Disposing closes it. */
export interface PartFile extends AsyncDisposable {
  readonly path: string;
  /** In bytes: what is there already, and what was written since. */
  readonly size: number;
  /** What is there, from its beginning. Nothing may be written meanwhile. */
  read(): AsyncIterable<Uint8Array>;
  /** Appends. Throws resource_exhausted when the disk is full; what was written of the bytes stays. */
  write(bytes: Uint8Array): Promise<void>;
  /** Starts from nothing. */
  empty(): Promise<void>;
  /** Puts the content on the disk and then in the place of the old file, atomically. */
  commit(): Promise<void>;
}
