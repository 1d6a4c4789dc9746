import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { DetailsRequestSchema, RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { openMachineTime } from "#test/support/machine-time.ts";

const repeat = { uses: [{ module: "dummy-repeat" }] };
const board = { cmds: { sh: shellCommand, repeat } };
const device = "board";

const grpcCodes = { 0: "ok", 4: "deadline_exceeded", 8: "resource_exhausted" } as const;

/** A client of HTTP/2 with no manners of gRPC. */
async function dialled({ address }: Daemon): Promise<ClientHttp2Session> {
  const session = connect(`http://${address.replace("localhost", "127.0.0.1")}`);
  await once(session, "remoteSettings");
  return session;
}

function open(session: ClientHttp2Session, rpc: string): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": `/dutctl.v1.DeviceService/${rpc}`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  // A peer that refuses what is sent may well stop taking it.
  stream.on("error", () => {});
  return stream;
}

/** The status of a call, wherever it stands. */
async function status(stream: ClientHttp2Stream): Promise<[string | undefined, string]> {
  const fields = { "grpc-status": "", "grpc-message": "" };
  stream.once("response", (headers) => Object.assign(fields, headers));
  stream.once("trailers", (trailers) => {
    Object.assign(fields, trailers);
    stream.close(constants.NGHTTP2_NO_ERROR);
  });
  stream.resume();
  await once(stream, "close");
  const code = Number(fields["grpc-status"]) as keyof typeof grpcCodes;
  return [grpcCodes[code], decodeURIComponent(fields["grpc-message"])];
}

function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

function enveloped(message: Uint8Array): Buffer {
  return Buffer.concat([prefix(message.length), message]);
}

function command(name: string, ...args: string[]): Buffer {
  const msg = { case: "command" as const, value: { device, command: name, args } };
  return enveloped(toBinary(RunRequestSchema, create(RunRequestSchema, { msg })));
}

async function behindServer(lab: Lab) {
  const server = await lab.server();
  const agent = await lab.agent({ [device]: board }, "-server", server.address);
  return [agent, server];
}

test("a message that claims to be larger than it may be is refused before it is there, and nothing else suffers", async (t) => {
  await using lab = await Lab.open(t.signal);
  const beginnings: readonly (readonly [string, ...Buffer[]])[] = [
    ["Details", prefix(0xffff_ffff)],
    ["Details", prefix(limits.messageBytes + 1)],
    ["Run", prefix(0xffff_ffff)],
    ["Run", command("repeat"), prefix(0xffff_ffff)],
    ["Run", command("repeat"), prefix(limits.fileMessageBytes + 1)],
  ];
  for (const peer of await behindServer(lab)) {
    using session = disposable(await dialled(peer));
    for (const [rpc, ...pieces] of beginnings) {
      const stream = open(session.session, rpc);
      for (const piece of pieces) {
        stream.write(piece);
      }
      const [code, message] = await status(stream);
      assert.deepEqual(
        [peer.address, rpc, pieces.length, code],
        [peer.address, rpc, pieces.length, "resource_exhausted"],
        message,
      );
    }
    assert.deepEqual(await lab.dutctl(["-s", peer.address, device, "sh", "echo alive"]), {
      code: 0,
      stdout: "alive\n",
      stderr: "",
    });
  }
});

test("two hundred calls at once on one connection are all answered", async (t) => {
  await using lab = await Lab.open(t.signal);
  const request = create(DetailsRequestSchema, { device, command: "sh", keyword: "help" });
  const details = enveloped(toBinary(DetailsRequestSchema, request));
  for (const peer of await behindServer(lab)) {
    using session = disposable(await dialled(peer));
    const calls = Array.from({ length: 200 }, async () => {
      const stream = open(session.session, "Details");
      stream.end(details);
      const [code] = await status(stream);
      return code;
    });
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(["ok"]));
  }
});

test("a client that opens a run and sends nothing is given up after ten seconds", async (t) => {
  await using lab = await Lab.open(t.signal);
  const peers = await behindServer(lab);
  using machine = openMachineTime(...peers);
  const begun = machine.now();
  const outcomes = await Promise.all(
    peers.map(async (peer) => {
      using session = disposable(await dialled(peer));
      return await status(open(session.session, "Run"));
    }),
  );
  const seconds = (machine.now() - begun) / 1000;
  assert.deepEqual(outcomes, [
    ["deadline_exceeded", "no command within 10 s"],
    ["deadline_exceeded", "no command within 10 s"],
  ]);
  assert.ok(seconds < 15, `${seconds} s`);
});

function disposable(session: ClientHttp2Session): { readonly session: ClientHttp2Session } & Disposable {
  session.on("error", () => {});
  return { session, [Symbol.dispose]: () => session.destroy() };
}
