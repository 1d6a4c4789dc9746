import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type ServerHttp2Session } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { RunRequest, RunResponseSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { dutctl, typed } from "../../test/recorded-world.ts";
import { type Script, ScriptedAgent } from "../../test/scripted-agent.ts";

type Answer = MessageInitShape<typeof RunResponseSchema>;

const printed = (text: string): Answer => ({ msg: { case: "print", value: { text: Buffer.from(text) } } });
const stdout = (bytes: Uint8Array): Answer => ({
  msg: { case: "console", value: { data: { case: "stdout", value: bytes } } },
});
const stderr = (bytes: Uint8Array): Answer => ({
  msg: { case: "console", value: { data: { case: "stderr", value: bytes } } },
});
const wanted = (path: string): Answer => ({ msg: { case: "fileRequest", value: { path } } });
const file = (path: string, content: string): Answer => ({
  msg: { case: "file", value: { path, content: Buffer.from(content) } },
});

/** A request in short. */
function said({ msg }: RunRequest): unknown {
  switch (msg.case) {
    case "command":
      return [msg.value.device, msg.value.command, ...msg.value.args];
    case "console":
      return { stdin: Buffer.from(msg.value.data.value ?? []).toString() };
    case "file":
      return { file: msg.value.path, content: Buffer.from(msg.value.content).toString() };
    default:
      return msg;
  }
}

/** The next message of the client, which must not have hung up. */
async function next(requests: AsyncIterator<RunRequest>): Promise<unknown> {
  const { done, value } = await requests.next();
  assert.equal(done, false, "the client hung up");
  return said(value);
}

const conversation = (talk: (requests: AsyncIterator<RunRequest>) => AsyncIterable<Answer>): Script => ({
  run: (requests) => talk(requests[Symbol.asyncIterator]()),
});

test("what the agent prints comes out unchanged on its stream", async () => {
  const bytes = Buffer.from("\x1b[2J\x07 no newline");
  const asked: unknown[] = [];
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      asked.push(await next(requests));
      yield printed("one\n");
      yield stdout(bytes);
      yield stderr(Buffer.from("err\n"));
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "status", "-v", "", "a b"]);
  assert.deepEqual(
    [ended, asked],
    [{ code: 0, stdout: `one\n${bytes}`, stderr: "err\n" }, [["dev1", "status", "-v", "", "a b"]]],
  );
});

test("what a command has done to the terminal is undone when it has ended", async () => {
  await using agent = await ScriptedAgent.start(
    conversation(async function* () {
      yield printed("\x1b[31mred\n");
    }),
  );
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "work"], { terminal: ["stdout"] }), {
    code: 0,
    stdout: "\x1b[31mred\n\x1b[0m",
    stderr: "",
  });
});

test("a user who counts on -grace is told that the old protocol has none", async () => {
  await using agent = await ScriptedAgent.start(
    conversation(async function* () {
      yield printed("done\n");
    }),
  );
  assert.deepEqual(await dutctl(["-s", agent.address, "-grace", "5m", "dev1", "status"]), {
    code: 0,
    stdout: "done\n",
    stderr: "by the old protocol a run ends when its connection is lost: -grace has no effect\n",
  });
});

test("a module's failure comes after its output", async () => {
  await using agent = await ScriptedAgent.start(
    conversation(async function* () {
      yield printed("partial\n");
      throw new ConnectError("module failed: exited with code 3", Code.Aborted);
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "status"]);
  assert.deepEqual(ended, { code: 1, stdout: "partial\n", stderr: "✗ module failed: exited with code 3\n" });
});

test("a run that the agent cancels is an error", async () => {
  await using agent = await ScriptedAgent.start(
    conversation(async function* () {
      yield* [];
      throw new ConnectError("module execution aborted: context canceled", Code.Canceled);
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "status"]);
  assert.deepEqual(ended, { code: 1, stdout: "", stderr: "✗ module execution aborted: context canceled\n" });
});

test("a crash of the agent in the middle of a run is an error", async () => {
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      await next(requests);
      yield printed("before\n");
      await requests.next();
    }),
  );
  const { code, stdout, stderr } = await dutctl(["-s", agent.address, "dev1", "status"], {
    onStdout: () => agent.crash(),
  });
  assert.deepEqual(
    [code, stdout, stderr.replace(/\(.*\)/, "(reason)")],
    [
      125,
      "before\n",
      `✗ lost the connection to ${agent.address} in the middle of the run (reason)
  the command may or may not have done its work: look before you repeat it
`,
    ],
  );
});

test("input is sent as it comes, the last line without a newline too, and its end does not end the run", async () => {
  const heard: unknown[] = [];
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      heard.push(await next(requests), await next(requests), await next(requests));
      yield printed("still here\n");
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "repeat"], { stdin: () => typed("one\n", "last two") });
  assert.deepEqual(
    [ended, heard],
    [{ code: 0, stdout: "still here\n", stderr: "" }, [["dev1", "repeat"], { stdin: "one\n" }, { stdin: "last two" }]],
  );
});

async function* yes(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.from("y\n".repeat(1000));
  }
}

test("endless input hides neither success nor the agent's error", async () => {
  await using agent = await ScriptedAgent.start({
    run: async function* (requests) {
      const { device } = (await requests[Symbol.asyncIterator]().next()).value.msg.value;
      if (device === "nodev") {
        throw new ConnectError("no", Code.NotFound);
      }
      yield printed("done\n");
    },
    list: () => ({ devices: [] }),
  });
  const outcomes = new Set<string>();
  for (let round = 0; round < 20; round++) {
    outcomes.add(JSON.stringify(await dutctl(["-s", agent.address, "dev1", "x"], { stdin: yes })));
    outcomes.add(JSON.stringify(await dutctl(["-s", agent.address, "nodev", "x"], { stdin: yes })));
  }
  assert.deepEqual(
    [...outcomes].map((text) => JSON.parse(text)),
    [
      { code: 0, stdout: "done\n", stderr: "" },
      { code: 122, stdout: "", stderr: "✗ no\n" },
    ],
  );
});

test("input that cannot be read fails the run", async () => {
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      for (;;) {
        await requests.next();
        yield* [];
      }
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "repeat"], {
    stdin: async function* () {
      yield* [];
      throw new Error("EISDIR: illegal operation on a directory, read");
    },
  });
  assert.deepEqual(ended, {
    code: 1,
    stdout: "",
    stderr: "✗ reading stdin: EISDIR: illegal operation on a directory, read\n",
  });
});

test("files that the user named are exchanged", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await writeFile(join(directory.path, "in.txt"), "hello\n");
  const heard: unknown[] = [];
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      await next(requests);
      yield wanted("in.txt");
      heard.push(await next(requests));
      yield wanted("in.txt");
      heard.push(await next(requests));
      yield file("out.txt", "answer");
      yield printed("done\n");
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "ft", "in.txt", "out.txt"], { directory: directory.path });
  const answer = { file: "in.txt", content: "hello\n" };
  assert.deepEqual(
    [ended, heard, await readFile(join(directory.path, "out.txt"), "utf8"), (await readdir(directory.path)).sort()],
    [
      {
        code: 0,
        stdout: '↑ sent "in.txt" (6 B)\n↑ sent "in.txt" (6 B)\n↓ received "out.txt" (6 B)\ndone\n',
        stderr: "",
      },
      [answer, answer],
      "answer",
      ["in.txt", "out.txt"],
    ],
  );
});

test("a file that is missing ends the run with its name", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      await next(requests);
      yield wanted("missing.txt");
      await requests.next();
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "ft", "missing.txt"], { directory: directory.path });
  assert.deepEqual(ended, {
    code: 1,
    stdout: "",
    stderr: '✗ reading requested file "missing.txt": open missing.txt: no such file or directory\n',
  });
});

test("an agent gets no file that the user did not name, and the run ends", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await writeFile(join(directory.path, "secret"), "secret");
  const heard: unknown[] = [];
  const hungUp = Promise.withResolvers<void>();
  await using agent = await ScriptedAgent.start(
    conversation(async function* (requests) {
      await next(requests);
      yield wanted("secret");
      try {
        heard.push((await requests.next()).value);
      } finally {
        hungUp.resolve();
      }
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "status", "other"], { directory: directory.path });
  await hungUp.promise;
  assert.deepEqual(
    [ended, heard],
    [
      {
        code: 126,
        stdout: "",
        stderr:
          '✗ the agent asked for the file "secret", which the command line does not name\n  only files named among the arguments are sent; -allow-read PATH allows another one\n',
      },
      [],
    ],
  );
});

test("an agent overwrites no file that the user did not name", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await writeFile(join(directory.path, "precious"), "mine");
  await using agent = await ScriptedAgent.start(
    conversation(async function* () {
      yield file("new.bin", "fresh");
      yield file("precious", "theirs");
    }),
  );
  const ended = await dutctl(["-s", agent.address, "dev1", "status"], { directory: directory.path });
  const content = (name: string) => readFile(join(directory.path, name), "utf8");
  assert.deepEqual(
    [ended, await content("new.bin"), await content("precious"), (await readdir(directory.path)).sort()],
    [
      {
        code: 126,
        stdout: '↓ received "new.bin" (5 B)\n',
        stderr:
          '✗ writing received file "precious": the file exists, and the command line does not name it\n  move it away, run the command in another directory, or replace it with -force\n',
      },
      "fresh",
      "mine",
      ["new.bin", "precious"],
    ],
  );
});

test("an empty file is taken with a warning", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "dutctl-"));
  await using agent = await ScriptedAgent.start(
    conversation(async function* () {
      yield file("out", "");
    }),
  );
  assert.deepEqual(await dutctl(["-s", agent.address, "dev1", "ft", "out"], { directory: directory.path }), {
    code: 0,
    stdout: '↓ received "out" (0 B)\n',
    stderr: '⚠ 1 warning(s) during run:\n  - received empty file content path="out"\n',
  });
});

test("an interrupted run resets the call and ends with 130", async () => {
  const stop = new AbortController();
  const aborted = Promise.withResolvers<void>();
  await using agent = await ScriptedAgent.start({
    run: async function* (_requests, { signal }) {
      yield printed("working\n");
      signal.addEventListener("abort", () => aborted.resolve());
      await aborted.promise;
    },
  });
  const ended = await dutctl(["-s", agent.address, "dev1", "status"], {
    signal: stop.signal,
    onStdout: () => stop.abort(),
  });
  await aborted.promise;
  assert.deepEqual(ended, { code: 130, stdout: "working\n", stderr: "✗ interrupted\n" });
});

test("a message that is larger than fits is refused before it is read", async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/grpc" });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(limits.fileMessageBytes + 1, 1);
    response.write(prefix);
  });
  await using listening = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as { port: number };
  const sessions = new Set<ServerHttp2Session>();
  listening.on("session", (session) => sessions.add(session));
  const { code, stderr } = await dutctl(["-s", `127.0.0.1:${port}`, "-protocol", "v1", "dev1", "ft"]);
  for (const session of sessions) {
    session.destroy();
  }
  assert.deepEqual(
    [code, stderr],
    [
      1,
      "✗ the agent sent more than 128 MiB at once: a message of 134217729 bytes is not received, at most 134217728 fit\n" +
        "  its protocol carries a file in one message; make it smaller, or let the agent speak the newer protocol\n",
    ],
  );
});
