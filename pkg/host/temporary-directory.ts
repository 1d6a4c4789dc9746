import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { doing } from "./errno.ts";
import type { TemporaryDirectory } from "./files.ts";

/** A directory of mode 0700 below TMPDIR, or /tmp without one, that goes with the disposal. */
export async function temporaryDirectory(nameBegins: string): Promise<TemporaryDirectory> {
  const parent = tmpdir();
  const path = await doing(`make a directory in ${parent}`, () => mkdtemp(join(parent, nameBegins)));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
