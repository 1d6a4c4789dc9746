import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { completionScript } from "../../cmds/dutctl/completion/scripts.ts";
import { renderManPage } from "./man-page.ts";
import { manPages } from "./man-pages.ts";

const run = promisify(execFile);

const root = join(import.meta.dirname, "../..");

export type PackageName = keyof typeof manPages;

/** Debian's names of the targets of `npm run build`. */
export const architectures = { "linux-x64": "amd64", "linux-arm64": "arm64" } as const;

interface Made {
  readonly name: PackageName;
  readonly architecture: (typeof architectures)[keyof typeof architectures];
  readonly version: string;
  /** The program for that architecture. */
  readonly executable: string;
  /** A directory. */
  readonly into: string;
}

/**
 * Makes a package of the files below `contrib/debian/<name>`, an executable, and what is generated from its help.
 * Resolves with its path. Needs dpkg-deb, which makes packages for any architecture.
 */
export async function makeDebianPackage({ name, architecture, version, executable, into }: Made): Promise<string> {
  await using stage = await mkdtempDisposable(join(tmpdir(), `${name}-`));
  const tree = join(stage.path, "tree");
  await cp(join(root, "contrib/debian", name), tree, { recursive: true });
  const put = async (path: string, content: string | Uint8Array, mode = 0o644) => {
    const file = join(tree, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
  };
  for (const page of manPages[name]) {
    const text = renderManPage(page, version);
    await put(`usr/share/man/man${page.section}/${page.name}.${page.section}.gz`, gzipSync(text, { level: 9 }));
  }
  if (name === "dutctl") {
    await put("usr/share/bash-completion/completions/dutctl", completionScript("bash"));
    await put("usr/share/zsh/vendor-completions/_dutctl", completionScript("zsh"));
    await put("usr/share/fish/vendor_completions.d/dutctl.fish", completionScript("fish"));
  }
  await put(`usr/share/doc/${name}/copyright`, await readFile(join(root, "LICENSE")));
  await mkdir(join(tree, "usr/bin"), { recursive: true });
  await copyFile(executable, join(tree, "usr/bin", name));
  const control = await readFile(join(tree, "DEBIAN/control"), "utf8");
  const facts = `Version: ${version}\nArchitecture: ${architecture}\nInstalled-Size: ${await kibibytes(tree)}\n`;
  await put("DEBIAN/control", control.replace(/^Section:/m, `${facts}Section:`));
  await run("chmod", ["-R", "u=rwX,go=rX", tree]);
  const path = join(into, `${name}_${version}_${architecture}.deb`);
  // The levels above the first take three times as long for a twentieth of the size.
  await run("dpkg-deb", ["--root-owner-group", "-Zxz", "-z1", "--build", tree, path]);
  return path;
}

async function kibibytes(tree: string): Promise<string> {
  const { stdout } = await run("du", ["-sk", "--apparent-size", tree]);
  return stdout.split("\t")[0] ?? "";
}
