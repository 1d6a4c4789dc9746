import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Script, ScriptedAgent } from "./test/scripted-agent.ts";

const program = join(import.meta.dirname, "dutctl.ts");
const socat = ["/usr/bin/socat", "/usr/local/bin/socat"].find((path) => existsSync(path));

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(argv: readonly string[], command = process.execPath): ChildProcessWithoutNullStreams {
  const child = spawn(command, command === process.execPath ? [program, ...argv] : argv);
  // Some tests end the program while its input is still open.
  child.stdin.on("error", () => {});
  return child;
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [stdout, stderr, [code, signal]] = await Promise.all([
    Array.fromAsync(child.stdout as AsyncIterable<Buffer>),
    Array.fromAsync(child.stderr as AsyncIterable<Buffer>),
    once(child, "close"),
  ]);
  return { code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Prints a line and then works until the client hangs up. */
const working: Script = {
  run: async function* (_requests, { signal }) {
    yield { msg: { case: "print", value: { text: Buffer.from("working\n") } } };
    await once(signal, "abort");
  },
};

/** Prints without end. */
const flooding: Script = {
  run: async function* () {
    const text = Buffer.alloc(1024 * 1024, "x");
    for (;;) {
      yield { msg: { case: "print", value: { text } } };
    }
  },
};

const echo: Script = {
  run: async function* (requests) {
    for await (const { msg } of requests) {
      if (msg.case === "console" && msg.value.data.case === "stdin") {
        yield { msg: { case: "console", value: { data: { case: "stdout", value: msg.value.data.value } } } };
        return;
      }
    }
  },
};

test("input that stays open does not keep the program alive", async () => {
  await using agent = await ScriptedAgent.start(echo);
  const child = start(["-s", agent.address, "dev1", "repeat"]);
  child.stdin.write("no newline");
  assert.deepEqual(await ended(child), { code: 0, signal: null, stdout: "no newline", stderr: "" });
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} ends a run with 130`, async () => {
    await using agent = await ScriptedAgent.start(working);
    const child = start(["-s", agent.address, "dev1", "work"]);
    child.stdout.once("data", () => child.kill(signal));
    assert.deepEqual(await ended(child), { code: 130, signal: null, stdout: "working\n", stderr: "✗ interrupted\n" });
  });
}

test("a second signal ends the program although its output is not read", async () => {
  await using agent = await ScriptedAgent.start(flooding);
  const child = start(["-s", agent.address, "dev1", "flood"]);
  await once(child.stdout, "readable");
  child.kill("SIGINT");
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  child.stdout.destroy();
  assert.equal(code, 130);
});

test("a second signal ends the program with a line that says what may still go on", async () => {
  await using agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      run: async function* () {
        yield { msg: { case: "started", value: { inputWindow: 65_536n, fileWindow: 65_536n } } };
        yield { msg: { case: "print", value: Buffer.from("working\n") } };
        await new Promise(() => {});
      },
    },
  });
  const child = start(["-s", agent.address, "dev1", "work"]);
  child.stdout.once("data", () => child.kill("SIGINT"));
  child.stderr.once("data", () => child.kill("SIGTERM"));
  assert.deepEqual(await ended(child), {
    code: 130,
    signal: null,
    stdout: "working\n",
    stderr: "waiting for the command to stop; Ctrl-C leaves at once\nleft at once; the command may still be stopping\n",
  });
});

test("one signal ends a run whose output is not read", async () => {
  await using agent = await ScriptedAgent.start(flooding);
  const child = start(["-s", agent.address, "dev1", "flood"]);
  await once(child.stdout, "readable");
  child.kill("SIGINT");
  const [code] = await once(child, "exit");
  child.stdout.destroy();
  assert.equal(code, 130);
});

test("a reader that goes away ends the program quietly, and the run with it", async () => {
  const aborted = Promise.withResolvers<void>();
  await using agent = await ScriptedAgent.start({
    run: async function* (_requests, { signal }) {
      signal.addEventListener("abort", () => aborted.resolve());
      for (;;) {
        yield { msg: { case: "print", value: { text: Buffer.from("line\n") } } };
      }
    },
  });
  const child = start(["-s", agent.address, "dev1", "flood"]);
  child.stdout.once("data", () => child.stdout.destroy());
  const [stderr, [code]] = await Promise.all([
    Array.fromAsync(child.stderr as AsyncIterable<Buffer>),
    once(child, "exit"),
    aborted.promise,
  ]);
  assert.deepEqual([code, Buffer.concat(stderr).toString()], [1, ""]);
});

test("a peer that takes the connection and never answers is given up within ten seconds", {
  timeout: 30_000,
}, async () => {
  const sockets = new Set<{ destroy(): void }>();
  await using server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const outcomes = await Promise.all(
    [["list"], ["dev1", "status"]].map((words) => ended(start(["-s", `127.0.0.1:${port}`, ...words]))),
  );
  for (const socket of sockets) {
    socket.destroy();
  }
  for (const { code, stdout, stderr } of outcomes) {
    assert.deepEqual(
      [code, stdout, stderr.replace(/^.* has not answered yet\n/, "").replace(/\(.*\)/, "(reason)")],
      [121, "", `✗ cannot reach dutagent at 127.0.0.1:${port} (reason)\n`],
    );
  }
});

test("an output that cannot be written, all of it or its end, is an error in words", {
  skip: existsSync("/dev/full") ? false : "needs /dev/full, which Linux has",
}, async () => {
  await using place = await mkdtempDisposable(join(tmpdir(), "output-"));
  const told = async (script: string) => {
    const { code, stderr } = await ended(start(["-c", script, process.execPath, program, place.path], "/bin/sh"));
    return [code, stderr];
  };
  const problem = "cannot write to stdout: no space left on device\n";
  assert.deepEqual(
    [
      await told('"$0" "$1" -f text version >/dev/full'),
      await told('"$0" "$1" -f jsonl version >/dev/full'),
      // The limit of the size of files lets a part of a write through, as a disk does that is nearly full.
      await told('ulimit -f 1; NODE_DISABLE_COMPILE_CACHE=1 "$0" "$1" completion bash >"$2/part"'),
    ],
    [
      [1, `✗ ${problem}`],
      [1, problem],
      [1, "✗ cannot write to stdout: file too large\n"],
    ],
  );
});

test("/dev/null is no terminal", async () => {
  const child = start(
    ["-c", `exec "$0" "$1" list x 2>/dev/null >/dev/null; echo`, process.execPath, program],
    "/bin/sh",
  );
  assert.deepEqual((await ended(child)).stderr, "");
  const coloured = start(["-c", `"$0" "$1" list x >/dev/null`, process.execPath, program], "/bin/sh");
  assert.match((await ended(coloured)).stderr, /^✗ invalid command line/);
});

test("on a terminal, what is typed goes in line by line and names come out harmless", {
  skip: socat === undefined ? "needs socat: apt-get install socat" : false,
}, async () => {
  await using agent = await ScriptedAgent.start({
    ...echo,
    list: () => ({ devices: [{ name: "a\x1b]0;owned\x07" }] }),
  });
  const terminal = async (words: string, typed: string): Promise<string> => {
    const child = start(
      ["-", `EXEC:"${process.execPath} ${program} -s ${agent.address} ${words}",pty,setsid,ctty,echo=0`],
      socat,
    );
    child.stdin.write(typed);
    const { stdout } = await ended(child);
    return stdout.replaceAll("\r\n", "\n");
  };
  assert.deepEqual(
    [await terminal("dev1 repeat", "hello\n"), await terminal("list", "")],
    ["hello\n", "- a\\x1b]0;owned\\x07\n"],
  );
});

test("the version is the one of the package", async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
  const { code, stdout, stderr } = await ended(start(["version"]));
  assert.deepEqual([code, stdout.split("\n")[1], stderr], [0, `Version: 1.0.0-alpha.1+${version}`, ""]);
});
