import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, constants } from "node:http2";
import { test } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Call } from "#pkg/modules/module.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { RunRequestSchema, type RunResponse } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { runBench } from "./test/run-bench.ts";

type Request = MessageInitShape<typeof RunRequestSchema>;

const command: Request = { msg: { case: "command", value: { device: "board", command: "go" } } };

function typed(text: string): Request {
  return { msg: { case: "console", value: { data: { case: "stdin", value: Buffer.from(text) } } } };
}

function file(path: string, content: string): Request {
  return { msg: { case: "file", value: { path, content: Buffer.from(content) } } };
}

function inWords({ msg }: RunResponse): string {
  switch (msg.case) {
    case "print":
      return `print ${Buffer.from(msg.value.text)}`;
    case "console":
      return `${msg.value.data.case} ${Buffer.from(msg.value.data.value ?? "")}`;
    case "fileRequest":
      return `wants ${msg.value.path}`;
    case "file":
      return `file ${msg.value.path} ${Buffer.from(msg.value.content)}`;
    default:
      return "nothing";
  }
}

interface Sent {
  /** Right behind the command; then this half of the call ends, unless there are answers. */
  readonly first?: readonly Request[];
  /** What is sent when something is heard. */
  readonly answers?: Readonly<Record<string, Request>>;
}

/** What a client of the old protocol hears. */
async function conversation(run: (call: Call) => Promise<void>, { first = [], answers }: Sent = {}): Promise<string[]> {
  await using bench = await runBench(run);
  const next: PromiseWithResolvers<Request | undefined>[] = [Promise.withResolvers()];
  const answer = (request: Request | undefined) => {
    next.at(-1)?.resolve(request);
    next.push(Promise.withResolvers());
  };
  async function* sent() {
    yield command;
    yield* first;
    for (let index = 0; answers !== undefined; index++) {
      const request = await next[index]?.promise;
      if (request === undefined) {
        return;
      }
      yield request;
    }
  }
  const lines: string[] = [];
  try {
    for await (const response of bench.connect().devices.run(sent())) {
      const line = inWords(response);
      lines.push(line);
      const request = answers?.[line];
      if (request !== undefined) {
        answer(request);
      }
    }
    lines.push("end");
  } catch (error) {
    lines.push(error instanceof DutError ? `${error.code}: ${error.message}` : String(error));
  }
  answer(undefined);
  return lines;
}

test("a message is one message, in order, and the failure comes last with its hint", async () => {
  const said = await conversation(async ({ session }) => {
    await session.print("one");
    await session.print("two");
    await session.stderr(Buffer.from("three"));
    await session.progress({ done: 1, total: 2, unit: "percent", label: "" });
    throw new DutError("unavailable", "no chip", { hint: "plug it in" });
  });
  assert.deepEqual(said, ["print one", "print two", "stderr three", "aborted: module failed: no chip (plug it in)"]);
});

test("a client that ends its half early loses no output; its input just ends", async () => {
  const said = await conversation(
    async ({ session }) => {
      const input = Buffer.concat(await Array.fromAsync(session.stdin));
      await session.print(`read ${input}`);
      await session.print("and more");
    },
    { first: [typed("a"), typed("b")] },
  );
  assert.deepEqual(said, ["print read ab", "print and more", "end"]);
});

test("a file that can come no more fails the module that wants it, whenever it asks", async () => {
  const said = await conversation(async ({ session }) => {
    await Array.fromAsync(session.stdin);
    await session.requestFile("in");
  });
  assert.deepEqual(said, ['aborted: module failed: the client ended its input without sending "in"']);
});

test("files go both ways whole, empty ones too", async () => {
  const said = await conversation(
    async ({ session }) => {
      for (const [from, to] of [
        ["a", "b"],
        ["empty", "c"],
      ] as const) {
        await session.sendFile(to, await session.requestFile(from));
      }
    },
    { answers: { "wants a": file("a", "content"), "wants empty": file("empty", "") } },
  );
  assert.deepEqual(said, ["wants a", "file b content", "wants empty", "file c ", "end"]);
});

test("a file that nobody asked for is refused with the text that there always was", async () => {
  const wait = ({ signal }: Call) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  assert.deepEqual(await conversation(wait, { first: [file("x", "")] }), [
    "invalid_argument: bad file transfer: received file-message without a former request",
  ]);
});

test("a file that is larger than the protocol can carry ends the run with what to do", async () => {
  const piece = Buffer.alloc(1024 * 1024);
  const said = await conversation(
    async ({ session, signal }) => {
      await session.sendFile(
        "big",
        (async function* () {
          for (let count = 0; count < 200 && !signal.aborted; count++) {
            yield piece;
          }
        })(),
      );
    },
    { answers: {} },
  );
  assert.deepEqual(said, [
    'resource_exhausted: file "big" is larger than 133169152 bytes, which is all that protocol v1 carries (use a client and an agent that both speak dutlab.v1)',
  ]);
});

test("a notice reaches the user of the old protocol too", async () => {
  const started = Promise.withResolvers<void>();
  await using bench = await runBench(async ({ session, signal }) => {
    started.resolve();
    await Array.fromAsync(session.stdin);
    signal.throwIfAborted();
  });
  const responses = bench
    .connect()
    .devices.run(
      (async function* () {
        yield command;
        await new Promise(() => {});
      })(),
    )
    [Symbol.asyncIterator]();
  const first = responses.next();
  await started.promise;
  bench.engine.noticeRunsOn("board", '"bob@h" ended your reservation');
  assert.equal(inWords((await first).value), 'stderr dutagent: "bob@h" ended your reservation\n');
  const end = responses.next();
  await bench.engine.cancelRunsOn("board", new DutError("canceled", 'cancelled by "bob@h"'));
  assert.equal(bench.locks.holdOf("board"), undefined);
  await assert.rejects(end, { code: "canceled", message: 'cancelled by "bob@h"' });
});

test("a client that reads nothing loses its run, its device and in the end its stream, and no other does", async () => {
  const piece = Buffer.alloc(64 * 1024);
  await using bench = await runBench(
    async ({ session, signal }) => {
      while (!signal.aborted) {
        await session.stdout(piece);
      }
    },
    { stallMs: 100 },
  );
  const session = connect(`http://${formatAddress(bench.address)}`);
  const path = "/dutctl.v1.DeviceService/Run";
  const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
  const closed = Promise.withResolvers<void>();
  stream.on("error", () => {});
  stream.once("close", () => closed.resolve());
  const message = toBinary(RunRequestSchema, create(RunRequestSchema, command));
  stream.write(enveloped(message, limits.messageBytes));
  await once(stream, "response");
  const [run] = bench.engine.list();
  await run?.stopped;
  assert.equal(bench.locks.holdOf("board"), undefined);
  assert.equal(run?.outcome?.error?.message, "the client has taken no output for 100ms");
  await closed.promise;
  assert.equal(stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  session.destroy();
});

test("a run ends with the deadline of its call", async () => {
  await using bench = await runBench(async ({ session, signal }) => {
    await Array.fromAsync(session.stdin);
    signal.throwIfAborted();
  });
  const never = async function* () {
    yield command;
    await new Promise(() => {});
  };
  // The deadline is the agent's alone, so that the client does not end the call first.
  const deadline = { headers: { "grpc-timeout": "500m" } };
  await assert.rejects(Array.fromAsync(bench.connect().devices.run(never(), deadline)), { code: "deadline_exceeded" });
  const [run] = bench.engine.list();
  await run?.stopped;
  assert.equal(run?.outcome?.error?.message, "module execution aborted: context deadline exceeded");
});
