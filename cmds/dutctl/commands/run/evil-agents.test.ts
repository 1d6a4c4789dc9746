import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { JournalAgent } from "../../test/journal-agent.ts";
import { ended, offered, wanted } from "../../test/journal-steps.ts";
import { dutctl } from "../../test/recorded-world.ts";
import { ScriptedAgent } from "../../test/scripted-agent.ts";

/** An agent that does one thing with a file, and how often the client gave it one. */
interface Evil extends AsyncDisposable {
  readonly address: string;
  readonly got: () => number;
}

const asking: Readonly<Record<string, (name: string) => Promise<Evil>>> = {
  async v1(name) {
    let files = 0;
    const agent = await ScriptedAgent.start({
      run: async function* (requests) {
        const messages = requests[Symbol.asyncIterator]();
        await messages.next();
        yield { msg: { case: "fileRequest", value: { path: name } } };
        for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
          files += next.value.msg.case === "file" ? 1 : 0;
        }
      },
    });
    return {
      address: agent.address,
      got: () => files,
      [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
    };
  },
  async lab(name) {
    const agent = await JournalAgent.start([wanted(1, name), { file: 1 }, ended()]);
    return {
      address: agent.address,
      got: () => agent.heard.files.size,
      [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
    };
  },
};

const offering: Readonly<Record<string, (name: string) => Promise<Evil>>> = {
  async v1(name) {
    const agent = await ScriptedAgent.start({
      run: async function* () {
        yield { msg: { case: "file", value: { path: name, content: Buffer.from("theirs") } } };
      },
    });
    return { address: agent.address, got: () => 0, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
  },
  async lab(name) {
    const agent = await JournalAgent.start([...offered(1, name, Buffer.from("theirs")), ended()]);
    return { address: agent.address, got: () => 0, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
  },
};

/** A working directory in a home with everything that an evil agent would like to have. */
async function home(t: TestContext): Promise<{ path: string; desk: string }> {
  const directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  t.after(() => directory.remove());
  const { path } = directory;
  const desk = join(path, "desk");
  await mkdir(desk);
  await mkdir(join(path, ".ssh"));
  await writeFile(join(path, ".ssh", "id_rsa"), "secret");
  await writeFile(join(path, ".bashrc"), "mine");
  await writeFile(join(desk, "precious"), "mine");
  await symlink("../.bashrc", join(desk, "link"));
  await symlink("../.ssh/id_rsa", join(desk, "innocent"));
  execFileSync("mkfifo", [join(desk, "fifo")]);
  return { path, desk };
}

/** Each with the arguments that the user typed. A leading ~ is the home. */
const requests: readonly [name: string, args: readonly string[]][] = [
  ["~/.ssh/id_rsa", ["board-file"]],
  ["../.ssh/id_rsa", ["board-file"]],
  ["~/.ssh/id_rsa", ["~/.ssh/id_rsa"]],
  ["innocent", ["innocent"]],
  ["precious", ["board-file"]],
  ["/proc/self/environ", ["/proc/self/environ"]],
  ["/etc/shadow", ["/etc/shadow"]],
  ["/dev/zero", ["/dev/zero"]],
  ["fifo", ["fifo"]],
  [".", ["."]],
  ["precious\0", ["precious"]],
];

const offers: readonly [name: string, args: readonly string[]][] = [
  ["../.bashrc", []],
  ["~/.bashrc", []],
  ["~/.ssh/authorized_keys", ["~/.ssh/authorized_keys"]],
  ["precious", []],
  ["link", []],
  ["link", ["link"]],
  ["-rf", []],
  [".hidden", []],
  ["a\n\x1b]52;c;aGk=\x07", []],
  ["fifo", ["fifo"]],
  [".", ["."]],
];

for (const protocol of ["v1", "lab"] as const) {
  test(`an evil agent gets no byte of what is not for it, over ${protocol}`, async (t) => {
    const { path, desk } = await home(t);
    const inHome = (name: string) => name.replace(/^~/, path);
    for (const [name, args] of requests) {
      await using agent = await (asking[protocol] as (typeof asking)[string])(inHome(name));
      const argv = ["-s", agent.address, "dev1", "x", ...args.map(inHome)];
      const { code, stdout, stderr } = await dutctl(argv, { directory: desk });
      assert.deepEqual([name, code, stdout, agent.got()], [name, 126, "", 0], stderr);
      assert.match(stderr, /^✗ (?:the agent asked for the file|reading requested file) "[ -~]*"[^\n]*\n {2}[^\n]+\n$/);
    }
  });

  test(`an evil agent writes nothing where it may not, over ${protocol}`, async (t) => {
    const { path, desk } = await home(t);
    const inHome = (name: string) => name.replace(/^~/, path);
    const before = [(await readdir(desk)).sort(), (await readdir(path)).sort(), await readdir(join(path, ".ssh"))];
    for (const [name, args] of offers) {
      await using agent = await (offering[protocol] as (typeof offering)[string])(inHome(name));
      const argv = ["-s", agent.address, "dev1", "x", ...args.map(inHome)];
      const { code, stdout, stderr } = await dutctl(argv, { directory: desk });
      assert.deepEqual([name, code, stdout], [name, 126, ""], stderr);
      assert.match(stderr, /^✗ (?:the agent sent the file|writing received file) "[ -~]*"[^\n]*\n {2}[^\n]+\n$/);
    }
    const after = [(await readdir(desk)).sort(), (await readdir(path)).sort(), await readdir(join(path, ".ssh"))];
    const kept = [await readFile(join(path, ".bashrc"), "utf8"), await readFile(join(desk, "precious"), "utf8")];
    assert.deepEqual([after, kept], [before, ["mine", "mine"]]);
  });
}
