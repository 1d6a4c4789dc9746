import type { OpenFile, Replacement } from "../files.ts";

/**
 * What is below one directory. Paths are relative to it; `..` is refused with invalid_argument. Nothing leaves it: a
 * symbolic link is met with permission_denied wherever it stands and whenever it was put there, and never followed.
 */
export interface RootedFiles extends AsyncDisposable {
  /** As `Files.read`. What the kernel makes up (below /proc) is refused. */
  read(path: string): Promise<OpenFile>;

  /**
   * Begins the next content of a file, in a hidden file beside it; missing parents are made (0755). The result has exactly
   * these permission bits. Throws failed_precondition when something that is no file is there.
   */
  replace(path: string, mode: number): Promise<Replacement>;

  /** Opens a directory. Throws not_found when there is none. */
  directory(path: string): Promise<OpenDirectory>;

  /**
   * Begins the next content of a directory, in a hidden one beside it; missing parents are made (0755). Throws
   * failed_precondition when something that is no directory is there, or a directory with a mounted file system.
   */
  replaceDirectory(path: string): Promise<DirectoryReplacement>;
}

/** A directory that is open. */
export interface OpenDirectory extends AsyncDisposable {
  /** Leads other programs of this user to the directory itself, whatever takes its place. */
  readonly path: string;
}

/** An empty directory for its owner only, to be filled. Disposing it without `commit` removes it with what is in it. */
export interface DirectoryReplacement extends OpenDirectory {
  /**
   * Puts it on the disk and in the place of the old one, which is removed with everything in it. Permissions lose the
   * bits that lend rights. Throws invalid_argument when something else than files and directories is in it.
   */
  commit(): Promise<void>;
}
