/** The part of the file system that modules keep things in. Paths are absolute or relative to the working directory. */
export interface Files {
  /** Makes a directory, for its owner only, and its parents; an existing one is left as it is. Returns its real path. */
  makeDirectory(path: string): Promise<string>;

  /** Bytes of a file; undefined when there is none. Throws failed_precondition when it is something else. */
  size(path: string): Promise<number | undefined>;

  /** The first 64 KiB of a small file as text, or as many bytes as are said; undefined when there is none. */
  readText(path: string, mostBytes?: number): Promise<string | undefined>;

  /** The content of a file in pieces, opened when it is first asked for one. Throws not_found when there is none. */
  read(path: string): AsyncIterable<Uint8Array>;

  writeText(path: string, text: string): Promise<void>;

  /** Adds to the end of a file; one that is missing is made, for its owner only. */
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
   * Holds the file at `path`, which is made when it is missing, against every other process. Undefined when another has it.
   * The kernel lets go when this process ends, however it ends.
   */
  lock(path: string): Promise<Disposable | undefined>;
}

/** A file in the making. Disposing it without `commit` removes it and leaves the old file as it was. */
export interface Replacement extends AsyncDisposable {
  readonly path: string;
  /** Appends. Throws resource_exhausted when the disk is full. */
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the content on the disk and then in the place of the old file, atomically. */
  commit(): Promise<void>;
}
