import type { Files } from "#pkg/host/files.ts";

/**
 * Files in memory, by path: `kept` is what there is, and changes. A link is a file that says `-> ` and where it leads.
 * What modules do with files besides is not here: calling it fails the test.
 */
export function memoryFiles(kept: Map<string, string>): Files {
  const below = (path: string) => Array.from(kept.keys()).filter((each) => each.startsWith(`${path}/`));
  const files: Partial<Files> = {
    makeDirectory: async (path) => path,
    size: async (path) => kept.get(path)?.length,
    readText: async (path) => kept.get(path),
    writeText: async (path, text) => void kept.set(path, text),
    appendText: async (path, text) => void kept.set(path, `${kept.get(path) ?? ""}${text}`),
    list: async (path) => below(path).map((each) => each.slice(path.length + 1)),
    link: async (path, target) => void kept.set(path, `-> ${target}`),
    async remove(path) {
      for (const each of [path, ...below(path)]) {
        kept.delete(each);
      }
    },
    async replace(path) {
      const pieces: Uint8Array[] = [];
      return {
        path: `${path}.new`,
        write: async (bytes) => void pieces.push(bytes),
        commit: async () => void kept.set(path, Buffer.concat(pieces).toString("latin1")),
        async [Symbol.asyncDispose]() {},
      };
    },
    async lock(path) {
      kept.set(path, kept.get(path) ?? "");
      return { [Symbol.dispose]() {} };
    },
  };
  return files as Files;
}
