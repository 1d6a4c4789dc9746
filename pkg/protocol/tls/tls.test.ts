import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { get, request } from "node:https";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { Credentials } from "#pkg/auth/authority/issue.ts";
import type { DutError } from "#pkg/errors/dut-error.ts";
import { type Log, silentLog } from "#pkg/log/log.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { type Address, parseAddress } from "../address.ts";
import { connectTo } from "../client.ts";
import type { ClientTls } from "../dial.ts";
import { DeviceService } from "../gen/dutctl/v1/dutctl_pb.ts";
import { limits } from "../limits.ts";
import { type ListenOptions, listen } from "../listener.ts";
import { rpcHandler } from "../rpc-handler.ts";

const ours = await testAuthority("ours");
const theirs = await testAuthority("theirs");
const good = await ours.server();

const handler = rpcHandler(
  (router) => router.service(DeviceService, { list: () => ({ devices: [{ name: "board" }] }) }),
  { self: "agent", log: silentLog },
);

type TcpAddress = Address & { kind: "tcp" };

async function listening(own: Credentials | undefined, clientCa?: string, options: Partial<ListenOptions> = {}) {
  const tls = own === undefined ? undefined : { ...own, clientCa };
  const listener = await listen(parseAddress("localhost:0"), handler, {
    log: silentLog,
    insecure: false,
    tls,
    ...options,
  });
  return {
    listener,
    address: listener.address as TcpAddress,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** The devices that a client sees, or the code and the words of its error. */
async function seen(address: Address, tls: ClientTls | undefined): Promise<unknown> {
  using connection = connectTo(address, { identity: undefined, tls });
  try {
    return (await connection.devices.list({}, { timeoutMs: 5_000 })).devices.map(({ name }) => name);
  } catch (error) {
    const { code, message } = error as DutError;
    return [code, message];
  }
}

function fingerprintOf({ cert }: Credentials): string {
  return new X509Certificate(cert).fingerprint256;
}

test("one secured port answers gRPC over HTTP/2 and JSON over HTTP/1.1, and hands over secured connections", async (t) => {
  const upgraded = Promise.withResolvers<boolean>();
  await using port = await listening(good, undefined, {
    upgrades: {
      other: (_, socket, head) => {
        upgraded.resolve("encrypted" in socket && head.length === 0);
        socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nhello");
      },
    },
  });
  const url = `https://localhost:${port.address.port}`;
  const options = { ca: ours.own.cert, signal: t.signal };
  const call = request(`${url}/dutctl.v1.DeviceService/List`, {
    ...options,
    method: "POST",
    headers: { "content-type": "application/json" },
  });
  call.end("{}");
  const [answer] = await once(call, "response");
  const asked = get(url, { ...options, headers: { connection: "Upgrade", upgrade: "other" } });
  const [, socket, head] = await once(asked, "upgrade");
  const said = head.toString() + Buffer.concat(await Array.fromAsync(socket)).toString();
  assert.deepEqual(
    [
      await seen(port.address, ours.clientTls()),
      Buffer.concat(await Array.fromAsync(answer)).toString(),
      await upgraded.promise,
      said,
    ],
    [["board"], '{"devices":[{"name":"board"}]}', true, "hello"],
  );
});

test("a client that expects the other kind of port is told which it is", async () => {
  await using secured = await listening(good);
  await using clear = await listening(undefined);
  const text = await saidTo(secured.address, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
  assert.deepEqual(
    [await seen(secured.address, undefined), await seen(clear.address, ours.clientTls()), text.split("\r\n\r\n")],
    [
      ["unauthenticated", "the peer speaks TLS"],
      ["unauthenticated", `localhost:${clear.address.port} does not speak TLS`],
      [
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 21\r\nConnection: close",
        "this port speaks TLS\n",
      ],
    ],
  );
});

/** What comes back on a connection in the clear until it ends. */
async function saidTo({ host, port }: TcpAddress, bytes: string): Promise<string> {
  const socket = connect({ host, port });
  socket.on("error", () => {});
  socket.write(bytes, "latin1");
  return Buffer.concat(await Array.fromAsync(socket)).toString();
}

const shownByServers: readonly [what: string, own: Credentials, tls: ClientTls, message: RegExp][] = [
  [
    "of another authority is refused, and both are named",
    await theirs.server(),
    ours.clientTls(),
    new RegExp(`trusted is ${fingerprintOf(ours.own)}, shown was ${fingerprintOf(theirs.own)} `),
  ],
  [
    "of another authority that it does not show is refused, and itself is named",
    await theirs.issue("server", "here"),
    ours.clientTls(),
    new RegExp(`trusted is ${fingerprintOf(ours.own)}, shown was [0-9A-F:]{95} \\(`),
  ],
  [
    "of no authority that the computer trusts is refused",
    good,
    { ca: undefined, own: undefined },
    new RegExp(`trusted is what this computer trusts, shown was ${fingerprintOf(ours.own)} `),
  ],
  [
    "for other names is refused, and they are named",
    await ours.server({ hosts: ["lab.example", "192.0.2.1"] }),
    ours.clientTls(),
    /^the certificate of localhost:\d+ is for lab\.example, 192\.0\.2\.1 and not for localhost$/,
  ],
  [
    "that has expired is refused with the day",
    await ours.server({ from: -300, days: 30 }),
    ours.clientTls(),
    /^the certificate of localhost:\d+ has expired on \d{4}-\d\d-\d\d$/,
  ],
  [
    "that is not valid yet is refused with the day",
    await ours.server({ from: 30 }),
    ours.clientTls(),
    /^the certificate of localhost:\d+ is not valid before \d{4}-\d\d-\d\d$/,
  ],
  [
    "of a user is refused",
    await ours.issue("user", "alice", { hosts: ["localhost"] }),
    ours.clientTls(),
    /^the certificate of localhost:\d+ is not meant for a server$/,
  ],
];

for (const [what, own, tls, message] of shownByServers) {
  test(`a server's certificate ${what}`, async () => {
    await using port = await listening(own);
    const [code, text] = (await seen(port.address, tls)) as [string, string];
    assert.equal(code, "unauthenticated");
    assert.match(text, message);
  });
}

test("where clients need certificates, those without a good one are told that and are not answered", async () => {
  await using port = await listening(good, ours.own.cert);
  const alice = await ours.issue("user", "alice");
  const foreign = await theirs.issue("user", "alice");
  const early = await ours.issue("user", "alice", { from: 30 });
  const late = await ours.issue("user", "alice", { from: -300, days: 30 });
  const answers = [];
  for (const own of [alice, undefined, theirs.own, foreign, early, late]) {
    answers.push(await seen(port.address, { ca: ours.own.cert, own }));
  }
  const refused = ["unauthenticated", "the peer wants a certificate that it accepts"];
  assert.deepEqual(answers, [["board"], refused, refused, refused, refused, refused]);
});

test("a script without a certificate is answered 403 and why", async () => {
  await using port = await listening(good, ours.own.cert);
  const { host, port: number } = port.address;
  const socket = connectTls({ host, port: number, ca: ours.own.cert, servername: "localhost" });
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const text = Buffer.concat(await Array.fromAsync(socket)).toString();
  assert.match(
    text,
    /^HTTP\/1\.1 403 Forbidden\r\n.*\r\n\r\nthis port wants a certificate of the authority that it trusts\n$/s,
  );
});

test("no session is resumed, so every connection shows its certificate", async () => {
  await using port = await listening(good);
  const options = { host: "localhost", port: port.address.port, ca: ours.own.cert };
  const first = connectTls(options);
  const sessions: Buffer[] = [];
  first.on("session", (session) => sessions.push(session));
  first.end("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await Array.fromAsync(first);
  const second = connectTls({ ...options, session: sessions.at(-1) });
  await once(second, "secureConnect");
  assert.deepEqual([sessions.length > 0, second.isSessionReused()], [true, false]);
  second.destroy();
});

test("TLS 1.2 is refused", async () => {
  await using port = await listening(good);
  const socket = connectTls({ host: "localhost", port: port.address.port, ca: ours.own.cert, maxVersion: "TLSv1.2" });
  const [error] = await once(socket, "error");
  assert.equal(error.code, "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
});

test("a handshake that is begun and not finished is ended, and the next connection is served", async () => {
  await using port = await listening(good, undefined, { headersMs: 200 });
  await saidTo(port.address, "\x16\x03\x01\x02\x00\x01");
  assert.deepEqual(await seen(port.address, ours.clientTls()), ["board"]);
});

test("a client that leaves in the middle of the handshake is known to have left", async () => {
  const warned = Promise.withResolvers<string>();
  const log: Log = { ...silentLog, warn: (message) => warned.resolve(message) };
  await using port = await listening(good, undefined, { log });
  const { host, port: number } = port.address;
  const socket = connect({ host, port: number });
  socket.end("\x16\x03\x01\x02\x00\x01", "latin1");
  assert.equal(await warned.promise, "connection refused, no TLS was agreed on");
});

test("a server is reached by an address that its certificate is for", async () => {
  await using port = await listening(await ours.server({ hosts: ["127.0.0.1"] }));
  const [code, message] = (await seen(port.address, ours.clientTls())) as [string, string];
  assert.deepEqual(
    [await seen({ ...port.address, host: "127.0.0.1" }, ours.clientTls()), code, message.replace(/:\d+/, "")],
    [["board"], "unauthenticated", "the certificate of localhost is for 127.0.0.1 and not for localhost"],
  );
});

test("other certificates are for new connections, and open ones stay", async (t) => {
  await using port = await listening(good);
  const open = connectHttp2(`https://localhost:${port.address.port}`, { ca: ours.own.cert });
  await once(open, "remoteSettings", { signal: t.signal });
  port.listener.reloadTls({ ...(await theirs.server()), clientCa: undefined });
  const ping = Promise.withResolvers<void>();
  open.ping(() => ping.resolve());
  await ping.promise;
  assert.deepEqual([open.destroyed, await seen(port.address, theirs.clientTls())], [false, ["board"]]);
  open.destroy();
});

test("certificates that cannot be used are refused, and the old ones stay", async () => {
  await using port = await listening(good);
  const { key } = await ours.issue("server", "other");
  assert.throws(() => port.listener.reloadTls({ cert: good.cert, key, clientCa: undefined }), {
    code: "invalid_argument",
    message: /^the certificate and its key cannot be used: .*key values mismatch/,
  });
  assert.deepEqual(await seen(port.address, ours.clientTls()), ["board"]);
});

test("an address that other machines reach is served when clients need certificates, and only then", async () => {
  const open = (clientCa: string | undefined) =>
    listen(parseAddress("0.0.0.0:0"), handler, { log: silentLog, insecure: false, tls: { ...good, clientCa } });
  await using port = await open(ours.own.cert);
  const alice = await ours.issue("user", "alice");
  assert.deepEqual(await seen({ ...port.address, host: "localhost" } as Address, ours.clientTls(alice)), ["board"]);
  await assert.rejects(open(undefined), { code: "permission_denied" });
});

test("a name that the certificate is for is one that scripts may call", async (t) => {
  await using port = await listening(await ours.server({ hosts: ["lab.example", "localhost"] }));
  const options = { ca: ours.own.cert, servername: "localhost" };
  const statusFor = async (host: string) => {
    const asked = get(`https://localhost:${port.address.port}/nothing`, { ...options, headers: { host } });
    const [{ statusCode }] = await once(asked, "response", { signal: t.signal });
    asked.destroy();
    return statusCode;
  };
  assert.deepEqual([await statusFor("lab.example:1024"), await statusFor("evil.example")], [404, 403]);
});

test("a certificate is shown over as many connections as it may have, and one more is told so", async () => {
  const hits: string[] = [];
  const metrics = { ...noMetrics, limitHit: (limit: string) => void hits.push(limit) };
  await using port = await listening(good, ours.own.cert, { metrics });
  const own = await ours.issue("user", "alice");
  using open = new DisposableStack();
  for (let count = 0; count < limits.connections.perIdentity; count += 1) {
    const connection = open.use(connectTo(port.address, { identity: undefined, tls: ours.clientTls(own) }));
    await connection.devices.list({});
  }
  const call = await seen(port.address, ours.clientTls(own));
  const script = connectTls({ host: "localhost", port: port.address.port, ca: ours.own.cert, ...own });
  script.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [status, , , , , text] = Buffer.concat(await Array.fromAsync(script))
    .toString()
    .split("\r\n");
  assert.deepEqual(
    [call, status, text, await seen(port.address, ours.clientTls(await ours.issue("user", "bob"))), hits],
    [
      ["resource_exhausted", "the peer wants fewer calls or connections"],
      "HTTP/1.1 429 Too Many Requests",
      'user "alice" has 32 connections here, which is all that a certificate may have\n',
      ["board"],
      ["connections_per_identity", "connections_per_identity"],
    ],
  );
});

test("an agent whose certificate is for the host of a server is called there, and is no server", async () => {
  await using agent = await listening(await ours.issue("agent", "bench", { hosts: ["localhost"] }));
  await using server = await listening(good);
  const { port } = agent.address;
  const asServer = { ...ours.clientTls(), expects: "server" } as const;
  assert.deepEqual(
    [
      await seen(agent.address, ours.clientTls()),
      await seen(server.address, asServer),
      await seen(agent.address, asServer),
    ],
    [["board"], ["board"], ["unauthenticated", `the certificate of localhost:${port} is that of agent "bench"`]],
  );
});
