import { DutError } from "#pkg/errors/dut-error.ts";

/**
 * The SHA-256 of a file in a list as `sha256sum` makes it, with or without `--tag`. Throws not_found when the file is not
 * in it, failed_precondition when the list has several files of this name with different sums.
 */
export function findSum(list: string, url: URL): string {
  const name = lastPart(url.pathname);
  const sums = new Set(
    list
      .split(/\r?\n/)
      .map(parseLine)
      .filter((entry) => entry !== undefined && sameName(lastPart(entry.path), name))
      .map((entry) => entry?.sha256),
  );
  const [sha256, ...more] = sums;
  if (sha256 === undefined) {
    throw new DutError("not_found", `the list of checksums has no file ${name}`, {
      hint: "see the option sha256sums; the list must be one of SHA-256",
    });
  }
  if (more.length > 0) {
    throw new DutError("failed_precondition", `the list of checksums has several files ${name}`, {
      hint: "give the SHA-256 of the one that is meant",
    });
  }
  return sha256;
}

interface Entry {
  readonly path: string;
  readonly sha256: string;
}

function parseLine(line: string): Entry | undefined {
  const [, sha256, path] = /^([0-9a-f]{64}) [ *](.+)$/i.exec(line) ?? [];
  const [, taggedPath, taggedSum] = /^SHA256 \((.+)\) = ([0-9a-f]{64})$/i.exec(line) ?? [];
  const [foundPath, sum] = [path ?? taggedPath, sha256 ?? taggedSum];
  return foundPath === undefined || sum === undefined ? undefined : { path: foundPath, sha256: sum.toLowerCase() };
}

const lastPart = (path: string) => path.slice(path.lastIndexOf("/") + 1);

const sameName = (name: string, inUrl: string) => name === inUrl || encodeURIComponent(name) === inUrl;
