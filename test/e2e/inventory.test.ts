import assert from "node:assert/strict";
import { test } from "node:test";
import { Lab, shellCommand } from "../support/lab.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: an argument of the configuration
const echoImage = "echo ${image}";

const described = {
  board: {
    desc: "on the left shelf",
    labels: { arch: "arm64" },
    cmds: {
      flash: {
        desc: "write an image",
        args: [{ name: "image", desc: "path of it" }],
        uses: [{ module: "shell", args: [echoImage] }],
      },
    },
  },
  spare: { cmds: { sh: shellCommand } },
};

/** The data of every line of jsonl. */
function dataOf(text: string): unknown[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).data);
}

test("describe tells a device, its commands and their arguments, and by the old protocol what that has", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(described);
  const ours = await lab.dutctl(["-s", address, "-f", "jsonl", "describe", "board"]);
  const old = await lab.dutctl(["-s", address, "-protocol", "v1", "-f", "json", "describe", "board"]);
  const device = { name: "board", state: "free", reason: "", offlineSince: null, lock: null, hold: null };
  const [board, flash] = dataOf(ours.stdout);
  const oldData = JSON.parse(old.stdout).data;
  assert.deepEqual(
    [
      ours.code,
      board,
      flash,
      old.code,
      oldData.device?.name ?? oldData.name,
      old.stderr.includes("the old protocol tells no descriptions"),
    ],
    [
      0,
      { ...device, description: "on the left shelf", labels: { arch: "arm64" } },
      {
        name: "flash",
        description: "write an image",
        arguments: [{ name: "image", description: "path of it" }],
        passthrough: false,
        disabled: "",
        modules: ["shell"],
      },
      0,
      "board",
      true,
    ],
  );
});

test("watch tells what there is, then every change, and finds a lost agent again", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent(described);
  const { address } = agent;
  const watching = lab.start("dutctl", ["-s", address, "-f", "oneline", "watch"]);
  await watching.said("stdout", /board/);
  await lab.dutctl(["-s", address, "-u", "bob@h", "board", "lock", "1h"]);
  await watching.said("stdout", /bob@h/);
  await agent.stop();
  await watching.said("stderr", /lost the connection to \S+ \(.*\); trying again/);
  await lab.agent(described, "-a", address);
  await watching.said("stderr", /connected to \S+ again/);
  watching.kill("SIGINT");
  assert.equal((await watching.ended).code, 130);
});

test("list -l shows the holder, and unlock force tells whose lock and run it has ended", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(described);
  await lab.dutctl(["-s", address, "-u", "bob@h", "spare", "lock", "1h"]);
  const bob = lab.start("dutctl", ["-s", address, "-u", "bob@h", "spare", "sh", "echo begun; sleep 60"]);
  await bob.said("stdout", /begun/);
  const list = await lab.dutctl(["-s", address, "-f", "jsonl", "-l"]);
  const kept = await lab.dutctl(["-s", address, "spare", "unlock", "force", "keep"]);
  const forced = await lab.dutctl(["-s", address, "spare", "unlock", "force"]);
  const { code } = await bob.ended;
  const spare = dataOf(list.stdout)[1] as { state: string; lock: { owner: string }; hold: { command: string } };
  assert.deepEqual(
    [spare.state, spare.lock.owner, spare.hold.command, kept.stdout, kept.stderr, forced.stdout, forced.stderr, code],
    [
      "busy",
      "bob@h",
      "sh",
      '✓ Device "spare" unlocked\n',
      'it was locked by "bob@h"\nthe run of "sh" by "bob@h" goes on\n',
      '✓ Device "spare" unlocked\n',
      'the run of "sh" by "bob@h" was cancelled\n',
      1,
    ],
  );
});

test("a lock of less than a second lasts one, and a shorter lock says that it shortens nothing", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.agent(described);
  const short = await lab.dutctl(["-s", address, "board", "lock", "500ms"]);
  await lab.dutctl(["-s", address, "spare", "lock", "30m"]);
  const shorter = await lab.dutctl(["-s", address, "spare", "lock", "1m"]);
  assert.deepEqual(
    [short.code, short.stderr, shorter.code, shorter.stdout.endsWith("for 30m\n"), shorter.stderr],
    [
      0,
      "a lock lasts a second at least, so 1s was asked for in the place of 500ms\n",
      0,
      true,
      "you had it for longer already: a lock of 1m0s does not shorten that, unlock does\n",
    ],
  );
});
