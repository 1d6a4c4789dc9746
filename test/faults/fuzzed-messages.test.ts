import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http2";
import { type TestContext, test } from "node:test";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { dutErrorCodes } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { RunRequestSchema as V1Request } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { RunRequestSchema as LabRequest } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { Lab } from "#test/support/lab.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { rounds } from "#test/support/rounds.ts";
import { untilFree } from "./free-devices.ts";

const cases = rounds(20_000, 100_000);
/** A client that resets streams is cut off after some hundreds, so it comes again. */
const casesPerConnection = 100;
const devices = Array.from({ length: 8 }, (_, index) => `board-${index}`);

const board = {
  cmds: {
    status: { uses: [{ module: "dummy-status", passthrough: true }] },
    repeat: { uses: [{ module: "dummy-repeat" }] },
    ft: { uses: [{ module: "dummy-ft", passthrough: true }] },
  },
};

type Random = () => number;

/** What the calls of these two may fail with, by the reference and the protocol's README. */
const documented: Readonly<Record<"v1" | "lab", ReadonlySet<string>>> = {
  v1: codes("canceled", "invalid_argument", "not_found", "failed_precondition", "aborted", "unimplemented"),
  lab: codes(
    "canceled",
    "invalid_argument",
    "not_found",
    "failed_precondition",
    "aborted",
    "unimplemented",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
  ),
};

test(`${cases} runs of random messages over dutctl.v1 end with documented codes, and the agent lives`, (t) =>
  fuzz(t, "v1", "/dutctl.v1.DeviceService/Run", v1Messages));

test(`${cases} runs of random messages over dutlab.v1 end with documented codes, and the agent lives`, (t) =>
  fuzz(t, "lab", "/dutlab.v1.RunService/Run", labMessages));

async function fuzz(
  t: TestContext,
  protocol: "v1" | "lab",
  path: string,
  messagesOf: (random: Random, device: string) => readonly Buffer[],
): Promise<void> {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent(Object.fromEntries(devices.map((name) => [name, board])), "-log", "info");
  const odd: string[] = [];
  let next = 0;
  await Promise.all(
    devices.map(async (device) => {
      while (next < cases) {
        using session = new Http2Session(parseAddress(agent.address), { pingWhenIdle: false });
        for (let left = casesPerConnection; left > 0 && next < cases; left--) {
          const number = next++;
          const random = pseudoRandom(number);
          const code = await send(session, path, messagesOf(random, device), random);
          if (code !== undefined && !documented[protocol].has(code)) {
            odd.push(`case ${number}: grpc-status ${code}`);
          }
        }
      }
    }),
  );
  assert.deepEqual(odd.slice(0, 10), []);
  assert.equal(agent.process.exitCode, null);
  await untilFree(agent);
}

/** Sends the messages and leaves in one of several ways. Resolves with the status, undefined when none was waited for. */
async function send(
  session: Http2Session,
  path: string,
  messages: readonly Buffer[],
  random: Random,
): Promise<string | undefined> {
  const stream = await session.request("POST", path, { "content-type": "application/grpc", te: "trailers" });
  let status: string | undefined;
  const heard = (fields: IncomingHttpHeaders) => {
    status = fields["grpc-status"]?.toString() ?? status;
  };
  stream.on("error", () => {});
  stream.on("response", heard);
  stream.on("trailers", heard);
  stream.resume();
  for (const message of messages) {
    stream.write(message);
  }
  const leaving = random();
  if (leaving < 0.02) {
    stream.close(8);
  } else {
    stream.end(leaving < 0.1 ? Buffer.from([0, 0, 0, 0, 9, 1]) : undefined);
  }
  if (!stream.destroyed) {
    await new Promise((resolve) => stream.once("close", resolve));
  }
  return status;
}

function v1Messages(random: Random, device: string): readonly Buffer[] {
  const command = () => ({ device: someDevice(random, device), ...someCommand(random) });
  const make: readonly (() => MessageInitShape<typeof V1Request>)[] = [
    () => ({ msg: { case: "command", value: command() } }),
    () => ({ msg: { case: "console", value: { data: { case: "stdin", value: someBytes(random) } } } }),
    () => ({ msg: { case: "console", value: { data: { case: "stdout", value: someBytes(random) } } } }),
    () => ({ msg: { case: "console", value: {} } }),
    () => ({ msg: { case: "file", value: { path: pick(random, ["in", "out", ""]), content: someBytes(random) } } }),
    () => ({}),
  ];
  const first = random() < 0.9 ? [message(V1Request, { msg: { case: "command", value: command() } })] : [];
  return [...first, ...some(random, () => someMessage(random, V1Request, make))];
}

function labMessages(random: Random, device: string): readonly Buffer[] {
  const runId = () => pick(random, [crypto.randomUUID(), "same", "", "../x", "a".repeat(100)]);
  const offset = () => BigInt(pick(random, [0, 0, 1, 7, 2 ** 40]));
  const transfer = () => pick(random, [0, 1, 2, 4_000_000_000]);
  const size = () => ({ rows: pick(random, [0, 24, 4_000_000_000]), columns: pick(random, [0, 80]) });
  const start = () => ({
    runId: runId(),
    ...someCommand(random),
    ...(random() < 0.3 ? { terminal: { type: pick(random, ["xterm", "", "\x1b]0;x\x07"]), size: size() } } : {}),
    graceMs: BigInt(pick(random, [0, 0, 0, 50, -1])),
  });
  const make: readonly (() => MessageInitShape<typeof LabRequest>)[] = [
    () => ({ device, msg: { case: "start", value: start() } }),
    () => ({ device, msg: { case: "resume", value: { runId: runId(), offset: offset() } } }),
    () => ({ msg: { case: "input", value: { data: someBytes(random), offset: offset() } } }),
    () => ({ msg: { case: "endOfInput", value: {} } }),
    () => ({ msg: { case: "resize", value: size() } }),
    () => ({ msg: { case: "signal", value: { name: pick(random, ["SIGQUIT", "SIGKILL", "", "nonsense"]) } } }),
    () => ({ msg: { case: "cancel", value: { reason: pick(random, ["", "enough"]) } } }),
    () => ({ msg: { case: "taken", value: { offset: offset() } } }),
    () => ({ msg: { case: "fileHead", value: { transfer: transfer(), name: "in", size: offset() } } }),
    () => ({ msg: { case: "fileChunk", value: { transfer: transfer(), offset: offset(), data: someBytes(random) } } }),
    () => ({ msg: { case: "fileEnd", value: { transfer: transfer(), size: offset(), sha256: someBytes(random) } } }),
    () => ({
      msg: {
        case: "fileRefusal",
        value: { transfer: transfer(), code: pick(random, ["not_found", "ok", "x"]), message: "" },
      },
    }),
    () => ({}),
  ];
  const opening = { device: someDevice(random, device), msg: { case: "start" as const, value: start() } };
  const first = random() < 0.9 ? [message(LabRequest, opening)] : [];
  return [...first, ...some(random, () => someMessage(random, LabRequest, make))];
}

function someCommand(random: Random): { command: string; args: string[] } {
  return {
    command: pick(random, ["status", "repeat", "ft", "ft", "nothing", ""]),
    args: pick(random, [[], ["in", "out"], ["in", "out"], ["", "\0"], ["x".repeat(5000)]]),
  };
}

function someDevice(random: Random, device: string): string {
  return random() < 0.9 ? device : pick(random, ["", "nobody", "\x1b[2J"]);
}

function someBytes(random: Random): Uint8Array {
  const text = pick(random, ["", "word\n", "two words\n", "x".repeat(70_000), "\xff\0"]);
  return Buffer.from(text, "latin1");
}

function someMessage<Schema extends DescMessage>(
  random: Random,
  schema: Schema,
  make: readonly (() => MessageInitShape<Schema>)[],
): Buffer {
  if (random() < 0.05) {
    return enveloped(Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => random() * 256)), 1024);
  }
  return message(schema, pick(random, make)());
}

function message<Schema extends DescMessage>(schema: Schema, content: MessageInitShape<Schema>): Buffer {
  return enveloped(toBinary(schema, create(schema, content)), 1024 * 1024);
}

function some<T>(random: Random, make: () => T): readonly T[] {
  return Array.from({ length: Math.floor(random() * 6) }, make);
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

/** The numbers of gRPC's codes, as they are on the wire; 0 is success. */
function codes(...names: readonly (typeof dutErrorCodes)[number][]): ReadonlySet<string> {
  return new Set(["0", ...names.map((name) => String(dutErrorCodes.indexOf(name) + 1))]);
}
