import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { fromErrno } from "./errno.ts";

/** SQLITE_BUSY: another process holds the lock. */
const busy = 5;
/** SQLITE_CANTOPEN: there is no file, among other reasons. */
const cannotOpen = 14;

/**
 * Holds a file against every other process by the lock of a database that is never written. A file that is missing is made,
 * or not held. Undefined when another process has it; the kernel lets go when this one ends, however it ends.
 */
export async function lockFile(path: string, missing: "make" | "leave"): Promise<Disposable | undefined> {
  const { DatabaseSync } = await import("node:sqlite");
  const url = pathToFileURL(resolve(path));
  url.searchParams.set("mode", missing === "make" ? "rwc" : "rw");
  try {
    using opening = new DisposableStack();
    const database = opening.use(new DatabaseSync(url));
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    opening.move();
    return { [Symbol.dispose]: () => database.isOpen && database.close() };
  } catch (error) {
    const code = error instanceof Error && "errcode" in error ? error.errcode : undefined;
    if (code === busy || (code === cannotOpen && missing === "leave")) {
      return undefined;
    }
    throw fromErrno(error, `lock ${path}`);
  }
}
