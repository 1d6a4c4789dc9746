import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { JournalAgent } from "../../test/journal-agent.ts";
import { ended, offered, print, type Step, stderr, stdout, wanted } from "../../test/journal-steps.ts";
import { dutctl, typed } from "../../test/recorded-world.ts";
import { ScriptedAgent } from "../../test/scripted-agent.ts";

test("a run says what it is, and its output comes out unchanged on its stream", async () => {
  const bytes = Buffer.from([0xff, 0, 0x1b, 0x5b, 0x32, 0x4a]);
  await using agent = await JournalAgent.start([print("one\n"), stdout(bytes), stderr("err\n"), ended()]);
  const { code, ...said } = await dutctl(["-s", agent.address, "-grace", "2s", "dev1", "status", "-v", "", "a b"]);
  assert.deepEqual(
    [code, said, agent.heard.starts],
    [0, { stdout: `one\n${bytes}`, stderr: "err\n" }, [["dev1", "status", "-v", "", "a b", 2000, undefined]]],
  );
});

test("the remote program's own status is the client's", async () => {
  await using agent = await JournalAgent.start([
    print("partial\n"),
    ended({ code: "aborted", message: "module failed: exited with code 3", exitStatus: 3 }),
  ]);
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "status"]), {
    code: 3,
    stdout: "partial\n",
    stderr: "✗ module failed: exited with code 3\n",
  });
});

test("piped input arrives whole, and so does its end", async () => {
  await using agent = await JournalAgent.start([{ until: "end" }, print("done\n"), ended()]);
  const outcome = await dutctl(["-s", agent.address, "dev1", "cat"], { stdin: () => typed("one\n", "last two") });
  assert.deepEqual(
    [outcome, agent.heard.input, agent.heard.inputEnded],
    [{ code: 0, stdout: "done\n", stderr: "" }, "one\nlast two", true],
  );
});

test("input that nobody takes is not read beyond the window, and holds up nothing else", async () => {
  let given = 0;
  async function* endless() {
    for (;;) {
      given += 1000;
      yield Buffer.alloc(1000, "y");
    }
  }
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await writeFile(join(directory.path, "in"), "content");
  await using agent = await JournalAgent.start([{ until: 10_000 }, wanted(1, "in"), { file: 1 }, ended()], {
    inputWindow: 10_000,
    takesInput: false,
  });
  const outcome = await dutctl(["-s", agent.address, "dev1", "x", "in"], {
    directory: directory.path,
    stdin: endless,
  });
  assert.deepEqual(
    [outcome, agent.heard.input.length, given],
    [{ code: 0, stdout: '↑ sent "in" (7 B)\n', stderr: "" }, 10_000, 10_000],
  );
});

test("output is reported as dealt with every 64 KiB", async () => {
  const piece = "x".repeat(40_000);
  await using agent = await JournalAgent.start([...Array.from({ length: 5 }, () => stdout(piece)), ended()]);
  await dutctl(["-s", agent.address, "dev1", "x"]);
  assert.deepEqual(agent.heard.others, [
    ["taken", 80_000],
    ["taken", 160_000],
  ]);
});

test("files go both ways whole, with size, mode and digest", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  const up = randomFillSync(Buffer.alloc(9_000_001));
  const down = randomFillSync(Buffer.alloc(3_000_001));
  await writeFile(join(directory.path, "in"), up, { mode: 0o640 });
  await using agent = await JournalAgent.start([
    wanted(1, "in"),
    { file: 1 },
    ...offered(2, "out", down),
    ...offered(3, "empty", Buffer.alloc(0)),
    ended(),
  ]);
  const outcome = await dutctl(["-s", agent.address, "dev1", "ft", "in:out"], { directory: directory.path });
  const { content, mode } = agent.heard.files.get(1) ?? assert.fail("nothing was sent");
  const received = await readFile(join(directory.path, "out"));
  assert.deepEqual(
    [outcome, mode, content.equals(up), received.equals(down), (await readdir(directory.path)).sort()],
    [
      {
        code: 0,
        stdout: '↑ sent "in" (8.6 MiB)\n↓ received "out" (2.9 MiB)\n↓ received "empty" (0 B)\n',
        stderr: "",
      },
      0o640,
      true,
      true,
      ["empty", "in", "out"],
    ],
  );
  assert.equal((await stat(join(directory.path, "out"))).mode & 0o777, 0o600);
});

test("a file that arrives damaged leaves nothing", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  const steps = offered(1, "out", Buffer.from("content")).map(
    (step): Step =>
      "case" in step && step.case === "fileChunk"
        ? { case: "fileChunk", value: { ...step.value, data: Buffer.from("c0ntent") } }
        : step,
  );
  await using agent = await JournalAgent.start([...steps, { until: "end" }, ended()]);
  const outcome = await dutctl(["-s", agent.address, "dev1", "ft", "out"], { directory: directory.path });
  assert.deepEqual(
    [outcome, await readdir(directory.path)],
    [
      {
        code: 1,
        stdout: "",
        stderr: '✗ the file "out" did not arrive as it was sent\n  nothing of it was kept; try again\n',
      },
      [],
    ],
  );
});

test("a file that the agent has given up when it begins another is not kept, and the other is", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  const begun = offered(1, "out", Buffer.from("first"), 2).slice(0, 2);
  await using agent = await JournalAgent.start([...begun, ...offered(2, "out", Buffer.from("again")), ended()]);
  const outcome = await dutctl(["-s", agent.address, "dev1", "ft", "out"], { directory: directory.path });
  assert.deepEqual(
    [outcome, await readdir(directory.path), await readFile(join(directory.path, "out"), "utf8")],
    [
      {
        code: 0,
        stdout: '↓ received "out" (5 B)\n',
        stderr: 'the file "out" did not come whole, and is not kept\n',
      },
      ["out"],
      "again",
    ],
  );
});

test("a file that nobody named is refused, the agent is told, and the run ends", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await writeFile(join(directory.path, "secret"), "secret");
  await using agent = await JournalAgent.start([wanted(1, "secret"), { file: 1 }, ended()]);
  const outcome = await dutctl(["-s", agent.address, "dev1", "status", "other"], { directory: directory.path });
  const sentence = 'the agent asked for the file "secret", which the command line does not name';
  assert.deepEqual(
    [outcome, agent.heard.others, agent.heard.files.size],
    [
      {
        code: 126,
        stdout: "",
        stderr: `✗ ${sentence}\n  only files named among the arguments are sent; -allow-read PATH allows another one\n`,
      },
      [["refusal", "permission_denied", sentence]],
      0,
    ],
  );
});

test("an interrupted run is cancelled, its end is waited for, and what it still says is shown", async () => {
  const stop = new AbortController();
  await using agent = await JournalAgent.start([print("working\n"), { until: "end" }, ended()]);
  const outcome = await dutctl(["-s", agent.address, "dev1", "status"], {
    signal: stop.signal,
    onStdout: () => stop.abort(),
  });
  assert.deepEqual(
    [outcome, agent.heard.others],
    [
      {
        code: 130,
        stdout: "working\n",
        stderr: "waiting for the command to stop; Ctrl-C leaves at once\n✗ interrupted\n",
      },
      [["cancel", "interrupted"]],
    ],
  );
});

test("a run that takes too long is cancelled", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await using agent = await JournalAgent.start([print("working\n"), { until: "end" }, ended()]);
  const { code, stderr } = await dutctl(["-s", agent.address, "-timeout", "200ms", "dev1", "status"], {
    onStdout: () => t.mock.timers.tick(200),
  });
  assert.deepEqual(
    [code, stderr.split("\n").at(-2), agent.heard.others],
    [124, "✗ timed out after 200ms", [["cancel", "timed out after 200ms"]]],
  );
});

test("a run that was refused says why", async () => {
  await using agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      run: async function* () {
        yield* [];
        throw new ConnectError('device "dev1" is locked by "bob@h" for 25m', Code.FailedPrecondition);
      },
    },
  });
  const { code, stderr } = await dutctl(["-s", agent.address, "dev1", "status"]);
  assert.deepEqual([code, stderr.split("\n")[0]], [123, '✗ device "dev1" is locked by "bob@h" for 25m']);
});

test("-protocol lab does not fall back, and -protocol v1 does not ask", async () => {
  const calls: string[] = [];
  await using agent = await ScriptedAgent.start({
    run: async function* () {
      yield* [];
      calls.push("v1");
    },
  });
  const forced = await dutctl(["-s", agent.address, "-protocol", "lab", "dev1", "x"]);
  const old = await dutctl(["-s", agent.address, "-protocol", "v1", "dev1", "x"]);
  const preferred = await dutctl(["-s", agent.address, "dev1", "x"]);
  assert.deepEqual([forced.code, old.code, preferred.code, calls], [1, 0, 0, ["v1", "v1"]]);
});

const everything = async (directory: string): Promise<Step[]> => {
  await writeFile(join(directory, "in"), Buffer.alloc(300_000, "up"));
  return [
    print("first\n"),
    { until: 7 },
    stdout("second\n"),
    wanted(1, "in"),
    { file: 1 },
    stderr("third\n"),
    ...offered(2, "out", Buffer.alloc(300_000, "down"), 100_000),
    { until: "end" },
    print("last\n"),
    ended({ code: "aborted", message: "failed", exitStatus: 7 }),
  ];
};

for (const what of ["sent", "received"] as const) {
  test(`a connection that is cut behind any message ${what} costs no byte and doubles none`, async () => {
    const outcomes = new Set<string>();
    let cuts = 0;
    const offsets = new Set<number>();
    for (let after = 1, more = true; more; after++) {
      await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
      await using agent = await JournalAgent.start(await everything(directory.path), { cut: { after, what } });
      const { code, stdout, stderr } = await dutctl(["-s", agent.address, "-grace", "10s", "dev1", "x", "in", "out"], {
        directory: directory.path,
        stdin: () => typed("abc", "defg", "h"),
      });
      more = agent.messages[what] > after;
      cuts += agent.heard.attaches.length;
      for (const offset of agent.heard.attaches) {
        offsets.add(offset);
      }
      const { input, inputEnded, files, starts } = agent.heard;
      const told = stderr.split("\n").filter((line) => !/^(?:lost the connection|attached to the run)/.test(line));
      const up = files.get(1)?.content.equals(Buffer.alloc(300_000, "up"));
      const down = (await readFile(join(directory.path, "out"))).equals(Buffer.alloc(300_000, "down"));
      outcomes.add(JSON.stringify({ code, stdout, told, input, inputEnded, up, down, starts: starts.length }));
    }
    assert.deepEqual(
      [...outcomes].map((text) => JSON.parse(text)),
      [
        {
          code: 7,
          stdout: 'first\nsecond\n↑ sent "in" (293.0 KiB)\n↓ received "out" (293.0 KiB)\nlast\n',
          told: ["third", "✗ failed", ""],
          input: "abcdefgh",
          inputEnded: true,
          up: true,
          down: true,
          starts: 1,
        },
      ],
    );
    assert.ok(cuts > 5 && offsets.size > 3, `only ${cuts} cuts, and it went on from ${[...offsets]}`);
  });
}

test("output that was lost meanwhile is told", async () => {
  await using agent = await JournalAgent.start(
    [print("a"), { attached: true }, print("12345"), print("b\n"), ended()],
    {
      dropped: 6,
    },
  );
  const { code, stdout, stderr } = await dutctl(["-s", agent.address, "-grace", "10s", "dev1", "x"], {
    onStdout: (text) => text === "a" && agent.crash(),
  });
  assert.deepEqual(
    [code, stdout, stderr.split("\n").slice(1)],
    [0, "ab\n", ["attached to the run again", "[5 bytes of output were lost while the connection was down]", ""]],
  );
});

test("without a grace a lost connection ends it, and what it may have done is open", async () => {
  await using agent = await JournalAgent.start([print("a\n"), { until: "end" }, ended()]);
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "x"], { onStdout: () => agent.crash() }), {
    code: 125,
    stdout: "a\n",
    stderr: `✗ lost the connection to ${agent.address} in the middle of the run (the connection was lost)
  the command may or may not have done its work: look before you repeat it
`,
  });
});

test("a server that learns of the agent only after it was asked for the run has said nothing of the run", async () => {
  await using agent = await JournalAgent.start([print("a\n"), { attached: true }, print("b\n"), ended()], {
    missed: 1,
  });
  const { code, stdout } = await dutctl(["-s", agent.address, "-grace", "10s", "dev1", "x"], {
    onStdout: (text) => text === "a\n" && agent.crash(),
  });
  assert.deepEqual([code, stdout], [0, "a\nb\n"]);
});

test("an agent that has forgotten the run says so by not finding it", async () => {
  await using agent = await JournalAgent.start([print("a\n"), { until: "end" }, ended()]);
  const { code, stderr } = await dutctl(["-s", agent.address, "-grace", "10s", "dev1", "x"], {
    onStdout: () => {
      agent.heard.starts.length = 0;
      agent.crash();
    },
  });
  assert.deepEqual(
    [code, stderr.split("\n").at(-3)],
    [
      125,
      `✗ lost the connection to ${agent.address} in the middle of the run (the agent does not know the run any more)`,
    ],
  );
});

test("a run that somebody else has taken over says so", async () => {
  await using agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      run: async function* () {
        yield { msg: { case: "started", value: { inputWindow: 1n } } };
        throw new ConnectError("the run was taken over by another client", Code.Aborted);
      },
    },
  });
  const { code, stderr } = await dutctl(["-s", agent.address, "-grace", "10s", "dev1", "x"]);
  assert.deepEqual([code, stderr.split("\n")[0]], [125, "✗ the run was taken over by another client"]);
});
