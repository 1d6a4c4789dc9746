import { messageOf } from "#pkg/errors/dut-error.ts";

/** The operating system's words in an error of Node, `no such file or directory` in `ENOENT: no such file or directory, open 'x'`. */
export function reasonOf(error: unknown): string {
  const message = messageOf(error);
  return /^[A-Z0-9_]+: ([^,]+)/.exec(message)?.[1] ?? message;
}

/** The operating system's name of an error of Node, such as ENOENT; empty for others. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
