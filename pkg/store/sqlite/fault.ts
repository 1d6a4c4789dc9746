import { dirname } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";

/** The primary result codes of SQLite (https://www.sqlite.org/rescode.html) that mean something to a user. */
const sqlite = {
  error: 1,
  busy: 5,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  notadb: 26,
} as const;

/** Undefined for what is no error of SQLite. */
function resultCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;
}

export function isSqliteError(error: unknown): boolean {
  return resultCode(error) !== undefined;
}

/** Whether another process has the file. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === sqlite.busy;
}

/** What an error of SQLite means for the file that is being opened: nothing has been written yet. */
export function openFault(error: unknown, path: string): unknown {
  switch (resultCode(error)) {
    case undefined:
      return error;
    case sqlite.error:
    case sqlite.corrupt:
    case sqlite.notadb:
      return damaged(path, (error as Error).message, error);
    case sqlite.cantopen:
      return new DutError("permission_denied", `cannot open ${path}`, {
        hint: "its owner must be able to write to it and to its directory, and the file system must not be read-only",
        cause: error,
      });
    case sqlite.full:
      return diskFull(`cannot open ${path}`, error);
    case sqlite.readonly:
    case sqlite.ioerr:
      return new DutError("resource_exhausted", `cannot open ${path}: it cannot be written now`, {
        hint: "mend its file system, or use a state directory elsewhere",
        cause: error,
      });
    default:
      return error;
  }
}

/** A disk that has no room for what a program needs before it can begin. */
export function diskFull(what: string, cause: unknown): DutError {
  return new DutError("resource_exhausted", `${what}: no space left on its disk`, {
    hint: "free some, or use a state directory elsewhere",
    cause,
  });
}

/** What an error of SQLite means for a change: it has not happened. */
export function changeFault(error: unknown, path: string): unknown {
  switch (resultCode(error)) {
    case sqlite.full:
      return new DutError("resource_exhausted", `nothing was changed: no space left on the disk of ${path}`, {
        hint: "free some, then repeat; no program has to be started anew",
        cause: error,
      });
    case sqlite.readonly:
    case sqlite.ioerr:
      return new DutError("resource_exhausted", `nothing was changed: ${path} cannot be written now`, {
        hint: "mend its file system, then repeat; no program has to be started anew",
        cause: error,
      });
    case sqlite.corrupt:
    case sqlite.notadb:
      return damaged(path, (error as Error).message, error);
    default:
      return error;
  }
}

/** A file whose content cannot be trusted. */
export function damaged(path: string, detail: string, cause?: unknown): DutError {
  return new DutError("data_loss", `${path} is damaged: ${detail}`, {
    hint: `it was left as it is; put a copy of it in its place, keep what can be read of it: dutserver db -state ${dirname(path)} recover, or begin with nothing stored: mv ${path} ${path}.damaged; rm -f ${path}-wal`,
    cause,
  });
}
