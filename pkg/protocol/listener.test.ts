import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { type Address, formatAddress, parseAddress } from "./address.ts";
import { connectTo } from "./client.ts";
import { dutErrorFrom } from "./fault.ts";
import { DeviceService } from "./gen/dutctl/v1/dutctl_pb.ts";
import { type Listener, listen } from "./listener.ts";
import { rpcHandler } from "./rpc-handler.ts";
import { protocolVersion } from "./version.ts";

const quiet = { log: silentLog, insecure: false };

const handler = rpcHandler(
  (router) => router.service(DeviceService, { list: () => ({ devices: [{ name: "board" }] }) }),
  { self: "agent", log: silentLog },
);

async function listening(address = "localhost:0"): Promise<Listener & { address: Address & { kind: "tcp" } }> {
  return (await listen(parseAddress(address), handler, quiet)) as Listener & { address: Address & { kind: "tcp" } };
}

async function devicesAt(address: Address): Promise<string[]> {
  using connection = connectTo(address, { identity: undefined });
  return (await connection.devices.list({})).devices.map(({ name }) => name);
}

test("one port answers gRPC over HTTP/2 and JSON over HTTP/1.1, both with the version", async () => {
  await using port = await listening();
  const versions: (string | null)[] = [];
  using connection = connectTo(port.address, {
    identity: undefined,
    onPeerVersion: (version) => versions.push(version),
  });
  const { devices } = await connection.devices.list({});
  const url = `http://localhost:${port.address.port}/dutctl.v1.DeviceService/List`;
  const json = await fetch(url, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  assert.deepEqual(
    [devices.map(({ name }) => name), versions, await json.json(), json.headers.get("dutctl-version")],
    [["board"], [protocolVersion], { devices: [{ name: "board" }] }, protocolVersion],
  );
});

test("a unix socket serves the same, and a socket file that a killed program left is replaced", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "dut-listener-"));
  const address = parseAddress(`unix:${join(folder.path, "agent.sock")}`);
  for (const _ of ["fresh", "again"]) {
    await using port = await listen(address, handler, quiet);
    assert.deepEqual(await devicesAt(port.address), ["board"]);
  }
  assert.deepEqual(await readdir(folder.path), []);
});

test("a file that is no socket is not removed to make room for one", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "dut-listener-"));
  const path = join(folder.path, "dutctl.yaml");
  await writeFile(path, "devices: {}\n");
  await assert.rejects(listening(`unix:${path}`), {
    code: "already_exists",
    message: `${path} is there already and is no socket`,
  });
  assert.equal(await readFile(path, "utf8"), "devices: {}\n");
});

test("a path that is none is 404, a GET of a call is 405 and names POST", async () => {
  await using port = await listening();
  const get = async (path: string) => {
    const answer = await fetch(`http://localhost:${port.address.port}${path}`);
    return [answer.status, await answer.text(), answer.headers.get("allow")];
  };
  assert.deepEqual(await get("/nothing"), [404, "404 page not found\n", null]);
  assert.deepEqual(await get("/dutctl.v1.DeviceService/List"), [405, "", "POST"]);
});

test("an address in use is refused with a sentence that names it", async () => {
  await using port = await listening();
  await assert.rejects(listening(formatAddress(port.address)), {
    code: "already_exists",
    message: `${formatAddress(port.address)} is in use by another program`,
  });
});

for (const address of [":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"]) {
  test(`${address} is refused unless insecure is asked for, with the reason`, async () => {
    await assert.rejects(listen(parseAddress(address), handler, quiet), (error) => {
      assert.match(dutErrorFrom(error).message, /everybody who reaches this address runs commands on this machine/);
      return true;
    });
  });
}

test("with insecure every address of the machine is served", async () => {
  await using port = await listen(parseAddress("0.0.0.0:0"), handler, { ...quiet, insecure: true });
  assert.deepEqual(await devicesAt({ ...port.address, host: "127.0.0.1" } as Address), ["board"]);
});

test("a unix socket in a folder that is not there is refused with a sentence", async () => {
  await assert.rejects(listening("unix:/nowhere/agent.sock"), {
    code: "not_found",
    message: "the folder of unix:/nowhere/agent.sock does not exist",
  });
});

test("a name that nobody knows is refused for that, not for being open", async () => {
  await assert.rejects(listening("nobody.invalid:0"), (error) => {
    assert.match(dutErrorFrom(error).message, /^nobody\.invalid is not a name of this machine: /);
    return true;
  });
});

test("an address of another machine is refused with a sentence", async () => {
  await assert.rejects(listen(parseAddress("192.0.2.1:0"), handler, { ...quiet, insecure: true }), {
    code: "invalid_argument",
    message: "192.0.2.1:0 is not an address of this machine",
  });
});

async function answerTo(port: number, bytes: string): Promise<string> {
  const socket: Socket = connect({ port, host: "localhost" });
  socket.write(bytes, "latin1");
  let text = "";
  socket.setEncoding("utf8").on("data", (piece) => {
    text += piece;
  });
  socket.on("error", () => {});
  await once(socket, "close");
  return text;
}

/** RFC 9113, section 3.4, an empty SETTINGS frame, and a HEADERS frame without END_HEADERS: `:method: POST`, unfinished. */
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const settings = "\0\0\0\x04\0\0\0\0\0";
const headersWithoutEnd = "\0\0\x01\x01\0\0\0\0\x01\x83";

for (const [what, bytes] of [
  ["says nothing", ""],
  ["sends half a preface", "PR"],
  ["sends half a header", "POST / HTTP/1.1\r\nhost: loc"],
  ["sends nothing after the preface", `${preface}${settings}`],
  ["sends half a header block", `${preface}${settings}${headersWithoutEnd}`],
  ["speaks TLS", "\x16\x03\x01\x02\x00\x01"],
  ["speaks SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
] as const) {
  test(`a connection that ${what} is closed, and the next one is served`, async () => {
    await using port = await listen(parseAddress("localhost:0"), handler, { ...quiet, headersMs: 200 });
    await answerTo((port.address as Address & { kind: "tcp" }).port, bytes);
    assert.deepEqual(await devicesAt(port.address), ["board"]);
  });
}

test("a browser's request is refused before any call is made", async () => {
  await using port = await listening();
  const text = await answerTo(
    port.address.port,
    "POST /dutctl.v1.DeviceService/List HTTP/1.1\r\nhost: evil.example\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
  );
  assert.match(text, /^HTTP\/1\.1 403 .*\{"code":"permission_denied","message":"the host evil\.example is not /s);
});

test("draining tells open connections to go and ends when they have", async (t) => {
  await using port = await listening();
  const session = connectHttp2(`http://localhost:${port.address.port}`);
  session.on("error", () => {});
  await once(session, "remoteSettings", { signal: t.signal });
  const told = once(session, "goaway", { signal: t.signal });
  await Promise.all([port.drain(t.signal), told]);
  await assert.rejects(devicesAt(port.address), (error) => dutErrorFrom(error).code === "unavailable");
});

test("draining gives up with the reason when a stream does not end", async (t) => {
  await using port = await listening();
  const session = connectHttp2(`http://localhost:${port.address.port}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": "/dutctl.v1.DeviceService/List",
    "content-type": "application/grpc",
  });
  stream.on("error", () => {});
  await once(session, "remoteSettings", { signal: t.signal });
  const patience = new AbortController();
  const drained = port.drain(patience.signal);
  patience.abort(new Error("long enough"));
  await assert.rejects(drained, { message: "long enough" });
  session.destroy();
});
