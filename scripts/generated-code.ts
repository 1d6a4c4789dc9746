import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./pinned-node.mjs";
import { projectPath } from "./run-program.mjs";

const protocol = join(root, "pkg/protocol");

/** Generates code below `output`, a folder seen from pkg/protocol. Throws when the .proto files are not valid. */
export async function generate(output: string): Promise<void> {
  const buf = join(root, "node_modules/.bin/buf");
  const child = spawn(process.execPath, [buf, "generate", "--output", output], {
    cwd: protocol,
    stdio: "inherit",
    env: { ...process.env, PATH: projectPath() },
  });
  const [code] = await once(child, "exit");
  if (code !== 0) {
    throw new Error("buf generate failed: mend the .proto file that it names");
  }
}

/** The generated files, seen from pkg/protocol, that differ from what the .proto files give, are missing or are left over. */
export async function staleFiles(): Promise<readonly string[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "generated-"));
  await generate(folder.path);
  const names = (base: string) => globSync("gen/**/*.ts", { cwd: base });
  const all = new Set([...names(folder.path), ...names(protocol)]);
  const compared = await Promise.all(
    [...all].map(async (name) => {
      const [fresh, committed] = await Promise.all([join(folder.path, name), join(protocol, name)].map(contentOf));
      return fresh === committed ? [] : [name];
    }),
  );
  return compared.flat().sort();
}

/** Undefined when there is no such file. */
async function contentOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") {
      return undefined;
    }
    throw error;
  });
}
