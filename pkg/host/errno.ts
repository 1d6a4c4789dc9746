import { DutError, type DutErrorCode, messageOf } from "#pkg/errors/dut-error.ts";

interface Meaning {
  readonly code: DutErrorCode;
  readonly words: string;
}

/** What the kernel's refusals mean to a user; names as in errno(3). */
const meanings: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: "not_found", words: "no such file or directory" },
  ENOTDIR: { code: "not_found", words: "a part of the path is not a directory" },
  ENODEV: { code: "not_found", words: "no such device" },
  ENXIO: { code: "not_found", words: "no such device" },
  EACCES: { code: "permission_denied", words: "permission denied" },
  EPERM: { code: "permission_denied", words: "operation not permitted" },
  EROFS: { code: "permission_denied", words: "read-only file system" },
  EEXIST: { code: "already_exists", words: "it exists already" },
  EBUSY: { code: "failed_precondition", words: "device or file is busy" },
  ETXTBSY: { code: "failed_precondition", words: "the file is being written or executed" },
  EISDIR: { code: "failed_precondition", words: "it is a directory" },
  ENOTTY: { code: "failed_precondition", words: "it is not a terminal" },
  ENOEXEC: { code: "failed_precondition", words: "it is not a program for this computer" },
  E2BIG: { code: "invalid_argument", words: "the arguments are too long" },
  ENAMETOOLONG: { code: "invalid_argument", words: "the name is too long" },
  ELOOP: { code: "failed_precondition", words: "too many symbolic links" },
  EMFILE: { code: "resource_exhausted", words: "too many open files" },
  ENFILE: { code: "resource_exhausted", words: "too many open files on this computer" },
  EAGAIN: { code: "resource_exhausted", words: "no more processes can be started" },
  ENOMEM: { code: "resource_exhausted", words: "out of memory" },
  ENOSPC: { code: "resource_exhausted", words: "no space left on the device" },
  EDQUOT: { code: "resource_exhausted", words: "the disk quota is used up" },
  EIO: { code: "unavailable", words: "input/output error" },
};

/** The kernel's name for an error that Node threw, such as `ENOENT`; undefined for any other value. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * An error of Node as a sentence that starts with what was being done: `start make: permission denied`.
 * An error that is a DutError already stays what it is; one without a known meaning becomes internal.
 */
export function fromErrno(error: unknown, doing: string, options: { hint?: string } = {}): DutError {
  if (error instanceof DutError) {
    return error;
  }
  const name = errnoOf(error);
  const meaning = name !== undefined && Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  return new DutError(meaning?.code ?? "internal", `${doing}: ${meaning?.words ?? messageOf(error)}`, {
    ...options,
    cause: error,
  });
}

/** Does one thing and puts what the kernel has against it into words: `<what>: permission denied`. */
export async function doing<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw fromErrno(error, what);
  }
}
