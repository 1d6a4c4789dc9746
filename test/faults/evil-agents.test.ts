import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Lab } from "#test/support/lab.ts";
import { type Deed, openEvilAgent } from "./evil-agent.ts";

const protocols = ["v1", "lab"] as const;
const atOnce = 2;

/** A working directory `desk` in a home with everything that an evil agent would like to have. */
async function furnish(home: string): Promise<string> {
  const desk = join(home, "desk");
  await mkdir(join(desk, "folder"), { recursive: true });
  await mkdir(join(home, ".ssh"));
  await writeFile(join(home, ".ssh", "id_rsa"), "secret");
  await writeFile(join(home, "dotfile"), "mine");
  await writeFile(join(desk, "precious"), "mine");
  await symlink("../dotfile", join(desk, "link"));
  await symlink("../nowhere", join(desk, "dangling"));
  await symlink("../.ssh/id_rsa", join(desk, "innocent"));
  execFileSync("mkfifo", [join(desk, "fifo")]);
  return desk;
}

/** Everything below a folder with what it holds. */
async function everything(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const told = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? await readFile(path, "utf8") : entry.isSymbolicLink() ? await readlink(path) : "";
    return `${path.slice(folder.length)} ${content}`;
  });
  return (await Promise.all(told)).sort();
}

/** What it asks for, and what the user typed. A leading ~ is the home. */
const requests: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["~/.ssh/id_rsa", ["board-file"]],
  ["../.ssh/id_rsa", ["board-file"]],
  ["~/.ssh/id_rsa", ["~/.ssh/id_rsa"]],
  ["innocent", ["innocent"]],
  ["precious", []],
  ["/proc/self/environ", []],
  ["/proc/self/environ", ["/proc/self/environ"]],
  ["fifo", ["fifo"]],
  ["/dev/zero", ["/dev/zero"]],
  ["folder", ["folder"]],
  [".", ["."]],
];

/** What it sends, and what the user typed. */
const offers: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["../../x", []],
  ["../dotfile", []],
  ["~/dotfile", []],
  ["~/.ssh/authorized_keys", ["~/.ssh/authorized_keys"]],
  ["link", []],
  ["link", ["link"]],
  ["dangling", []],
  ["dangling", ["dangling"]],
  ["precious", []],
  ["-rf", []],
  [".profile", []],
  ["a\n\x1b]52;c;aGk=\x07", []],
  ["a\u202etxt", []],
  ["fifo", ["fifo"]],
  ["folder", ["folder"]],
];

/** How a user is told: in a line that cannot steer a terminal, with a hint below. */
const sentence = /^✗ [ -~]*"[ -~]*"[ -~]*\n {2}[ -~]+\n$/;

for (const protocol of protocols) {
  const run = async (
    lab: Lab,
    desk: string,
    [name, args]: readonly [string, readonly string[]],
    kind: Deed["kind"],
  ) => {
    const inHome = (text: string) => text.replace(/^~/, lab.path("home"));
    const deed = { kind, name: inHome(name), content: Buffer.from("theirs"), message: "" } as Deed;
    await using agent = await openEvilAgent(() => deed);
    const words = ["-s", agent.address, "-protocol", protocol, "board", "work", ...args.map(inHome)];
    const { code, stdout, stderr } = await lab.dutctl(words, { cwd: desk });
    return { name, code, stdout, told: sentence.test(stderr), got: agent.got, stderr };
  };

  const tryAll = async (lab: Lab, cases: typeof requests, kind: Deed["kind"]) => {
    const desk = await furnish(lab.path("home"));
    const before = await everything(lab.path("home"));
    const left = [...cases];
    const worker = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const { stderr, ...outcome } = await run(lab, desk, next, kind);
        assert.deepEqual(outcome, { name: next[0], code: 126, stdout: "", told: true, got: 0 }, stderr);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    assert.deepEqual(await everything(lab.path("home")), before);
    assert.deepEqual((await readdir(lab.directory)).sort(), ["home"]);
  };

  test(`dutctl gives an evil agent no byte of keys, environments, pipes, devices and folders, over ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await tryAll(lab, requests, "ask");
  });

  test(`dutctl writes nothing for an evil agent outside of what was named, over ${protocol}`, async (t) => {
    await using lab = await Lab.open(t.signal);
    await tryAll(lab, offers, "send");
  });
}
