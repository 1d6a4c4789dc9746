import assert from "node:assert/strict";
import { once } from "node:events";
import { get, request as httpsRequest } from "node:https";
import { test } from "node:test";
import type { Credentials } from "#pkg/auth/authority/issue.ts";
import { type Peer, peerOf } from "#pkg/auth/peer.ts";
import type { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { type Address, parseAddress } from "./address.ts";
import { connectTo } from "./client.ts";
import { DeviceService } from "./gen/dutctl/v1/dutctl_pb.ts";
import { callerOf } from "./headers.ts";
import { type Listener, listen } from "./listener.ts";
import { type HttpHandler, rpcHandler } from "./rpc-handler.ts";

const ours = await testAuthority();
const here = await ours.server();
const alice = await ours.issue("user", "alice");
const bench = await ours.issue("agent", "bench");
const peerServer = await ours.issue("server", "other");

interface Port extends AsyncDisposable {
  readonly listener: Listener;
  readonly address: Address & { kind: "tcp" };
  /** Who each request was from, by its socket and by its header. */
  readonly callers: [peer: Peer, name: string][];
}

async function port(): Promise<Port> {
  const callers: Port["callers"] = [];
  const routes = rpcHandler((router) => router.service(DeviceService, { unlock: () => ({}), list: () => ({}) }), {
    self: "agent",
    log: silentLog,
  });
  const handler: HttpHandler = (request, response) => {
    callers.push([peerOf(request.socket), callerOf(request.headers.from).name]);
    routes(request, response);
  };
  const listener = await listen(parseAddress("localhost:0"), handler, {
    log: silentLog,
    insecure: false,
    tls: { ...here, clientCa: ours.own.cert },
    upgrades: {
      "dutlab-agent": (_, socket) =>
        socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"),
    },
  });
  return {
    listener,
    address: listener.address as Port["address"],
    callers,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** Unlocks over gRPC; the error's code and words when that is refused. */
async function unlock({ address }: Port, own: Credentials, identity: string | undefined): Promise<string> {
  using connection = connectTo(address, { identity, tls: ours.clientTls(own) });
  try {
    await connection.devices.unlock({ device: "board" }, { timeoutMs: 5_000 });
    return "done";
  } catch (error) {
    const { code, message } = error as DutError;
    return `${code}: ${message}`;
  }
}

test("a handler sees the name of the certificate, by the header and by the socket, and a false name is refused before", async () => {
  await using open = await port();
  const outcomes = [await unlock(open, alice, undefined), await unlock(open, alice, "bob")];
  const [peer, name] = open.callers[0] ?? [];
  assert.deepEqual(
    [outcomes, open.callers.length, peer?.kind === "certificate" && [peer.role, peer.name], name],
    [
      [
        "done",
        'permission_denied: the certificate of user "alice" does not speak for "bob" (leave -u away, or use that user\'s certificate)',
      ],
      1,
      ["user", "alice"],
      "alice",
    ],
  );
});

test("another server passes on the names of its callers", async () => {
  await using open = await port();
  assert.deepEqual([await unlock(open, peerServer, "bob"), open.callers[0]?.[1]], ["done", "bob"]);
});

test("a refusal is told in the protocol of the request", async () => {
  await using open = await port();
  const answers = [];
  for (const type of ["application/json", "application/connect+json", "application/grpc-web+proto"]) {
    const call = httpsRequest(`https://localhost:${open.address.port}/dutctl.v1.DeviceService/List`, {
      method: "POST",
      ...bench,
      ca: ours.own.cert,
      headers: { "content-type": type },
    });
    call.end();
    const [answer] = await once(call, "response");
    const body = Buffer.concat(await Array.fromAsync(answer));
    answers.push([
      answer.statusCode,
      answer.headers["content-type"],
      answer.headers["grpc-status"],
      body.toString("latin1"),
    ]);
  }
  const message =
    'the certificate of agent \\"bench\\" calls nothing but what agents need (use a certificate of a user)';
  const fault = `{"code":"permission_denied","message":"${message}"}`;
  assert.deepEqual(
    [answers, open.callers],
    [
      [
        [403, "application/json", undefined, `${fault}\n`],
        [
          200,
          "application/connect+json",
          undefined,
          `\x02\0\0\0${String.fromCharCode(fault.length + 10)}{"error":${fault}}`,
        ],
        [200, "application/grpc-web+proto", "7", ""],
      ],
      [],
    ],
  );
});

test("an agent takes a connection over, a user does not", async () => {
  await using open = await port();
  const statusOf = async (own: Credentials) => {
    const asked = get(`https://localhost:${open.address.port}`, {
      ...own,
      ca: ours.own.cert,
      headers: { connection: "Upgrade", upgrade: "dutlab-agent" },
    });
    const taken = once(asked, "upgrade").then(([{ statusCode }, socket]) => {
      socket.destroy();
      return statusCode;
    });
    const refused = once(asked, "response").then(([answer]) => {
      answer.destroy();
      return answer.statusCode;
    });
    return Promise.race([taken, refused]);
  };
  assert.deepEqual([await statusOf(bench), await statusOf(alice)], [101, 403]);
});
