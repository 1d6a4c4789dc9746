import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { silentLog } from "#pkg/log/log.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { callerOf } from "#pkg/protocol/headers.ts";
import { type ListenOptions, listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { dutctl } from "../test/recorded-world.ts";

const ours = await testAuthority("ours");
const theirs = await testAuthority("theirs");
const [here, elsewhere, alice] = [await ours.server(), await theirs.server(), await ours.issue("user", "alice")];
const fingerprint = ({ cert }: { cert: string }) => new X509Certificate(cert).fingerprint256;

/** A folder with the files of a user, where the words of a command line run. */
async function desk() {
  const folder = await mkdtempDisposable(join(tmpdir(), "desk-"));
  const path = (name: string) => join(folder.path, name);
  const texts = { "ca.pem": ours.own.cert, "alice.pem": alice.cert, "alice.key": alice.key };
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(path(name), text);
  }
  return {
    path,
    run: (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      dutctl(words, { env: { HOME: folder.path, USER: "somebody", ...env }, directory: folder.path }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** An agent that lists one device, locked by whoever asks. */
async function agent(tls: ListenOptions["tls"], address = "localhost:0") {
  const handler = rpcHandler(
    (router) =>
      router.service(DeviceService, {
        list: () => ({ devices: [{ name: "board" }] }),
        lock: (_, { requestHeader }) => ({
          device: "board",
          lock: { owner: callerOf(requestHeader.get("from")).name, lockedAt: 1n, expiresAt: 4_000_000_000n },
        }),
      }),
    { self: "agent", log: silentLog },
  );
  const listener = await listen(parseAddress(address), handler, { log: silentLog, insecure: false, tls });
  return { address: formatAddress(listener.address), [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose]() };
}

test("a context remembers authority and certificate, and its user is whom the certificate is for", async () => {
  await using user = await desk();
  await using lab = await agent({ ...here, clientCa: ours.own.cert });
  const words = [`server=${lab.address}`, "tls-ca=ca.pem", "tls-cert=alice.pem", "tls-key=alice.key"];
  const set = await user.run(["config", "set", "lab", ...words]);
  const shown = await user.run(["-f", "json", "config", "show", "lab"]);
  const locked = await user.run(["-f", "json", "board", "lock"]);
  const claimed = await user.run(["-u", "bob", "board", "lock"]);
  assert.equal(
    set.stderr.split("\n")[1],
    `the authority's SHA-256 fingerprint is ${fingerprint(ours.own)}: compare it with the one that the lab tells`,
  );
  assert.match(shown.stdout, new RegExp(`"authority": "${fingerprint(ours.own)}"`));
  assert.match(shown.stdout, new RegExp(`"tls-ca": "${user.path("ca.pem")}"`));
  assert.match(locked.stdout, /"alice"/);
  assert.deepEqual(
    [claimed.code, claimed.stderr],
    [
      126,
      '✗ the certificate of user "alice" does not speak for "bob" (leave -u away, or use that user\'s certificate)\n',
    ],
  );
});

test("a secured context is not spoken to in the clear, whatever server is named; a unix socket is", async () => {
  await using user = await desk();
  await using clear = await agent(undefined);
  await using socket = await agent(undefined, `unix:${user.path("agent.sock")}`);
  await user.run(["config", "set", "lab", "server=localhost:1", "tls-ca=ca.pem"]);
  const hint = "  an address that is secured here is never spoken to in the clear\n";
  const refused = [126, "", `✗ ${clear.address} does not speak TLS\n${hint}`];
  const outcome = async (words: readonly string[], env = {}) => {
    const { code, stdout, stderr } = await user.run(words, env);
    return [code, stdout, stderr];
  };
  assert.deepEqual(
    [
      await outcome(["-s", clear.address, "list"]),
      await outcome(["list"], { DUTCTL_SERVER: clear.address }),
      await outcome(["-context", "lab", "-s", clear.address, "list"]),
      await outcome(["-s", socket.address, "list"]),
    ],
    [refused, refused, refused, [0, "- board\n", ""]],
  );
});

test("another authority is an error that names both, whether the file has it or the server", async () => {
  await using user = await desk();
  await using false_ = await agent({ ...elsewhere, clientCa: undefined });
  await user.run(["config", "set", "lab", `server=${false_.address}`, "tls-ca=ca.pem"]);
  const server = await user.run(["list"]);
  await writeFile(user.path("ca.pem"), theirs.own.cert);
  const file = await user.run(["list"]);
  await user.run(["config", "set", "lab", "tls-ca=ca.pem"]);
  const taken = await user.run(["list"]);
  const [mine, other] = [fingerprint(ours.own), fingerprint(theirs.own)];
  assert.deepEqual([server.code, file.code, taken.code], [126, 126, 0]);
  assert.match(
    server.stderr,
    new RegExp(`^✗ ${false_.address} is not known .* trusted is ${mine}, shown was ${other} `),
  );
  assert.match(
    file.stderr,
    new RegExp(`remembered is ${mine}, found was ${other}\n.*dutctl config set CONTEXT tls-ca=`),
  );
});

test("TLS is left by taking its keys away, and a half of them is an error", async () => {
  await using user = await desk();
  await using clear = await agent(undefined);
  await user.run([
    "config",
    "set",
    "lab",
    `server=${clear.address}`,
    "tls-ca=ca.pem",
    "tls-cert=alice.pem",
    "tls-key=alice.key",
  ]);
  await user.run(["config", "set", "lab", "tls-ca="]);
  const half = await user.run(["list"]);
  await user.run(["config", "set", "lab", "tls-cert=", "tls-key="]);
  const left = await user.run(["list"]);
  assert.deepEqual([half.code, left.code, left.stdout], [2, 0, "- board\n"]);
  assert.match(half.stderr, /^✗ tls-cert of context "lab" .* is of no use without tls-ca or tls\n/);
  assert.doesNotMatch(await readFile(user.path(".config/dutctl/config.yaml"), "utf8"), /authority|tls/);
});

test("a key press completes from a secured server", async () => {
  await using user = await desk();
  await using lab = await agent({ ...here, clientCa: ours.own.cert });
  const words = [`server=${lab.address}`, "tls-ca=ca.pem", "tls-cert=alice.pem", "tls-key=alice.key"];
  await user.run(["config", "set", "lab", ...words]);
  const { stdout } = await user.run(["__complete", "boa"], { DUTCTL_COMPLETION_TIMEOUT: "5s" });
  assert.match(stdout, /^board$/m);
});

test("a client that does not know of the TLS of a server is told", async () => {
  await using user = await desk();
  await using lab = await agent({ ...here, clientCa: undefined });
  const { code, stderr } = await user.run(["-s", lab.address, "list"]);
  assert.deepEqual([code, stderr], [126, "✗ the peer speaks TLS\n  -tls-ca names the authority of its certificate\n"]);
});

test("a certificate that is wanted and not shown is asked for", async () => {
  await using user = await desk();
  await using lab = await agent({ ...here, clientCa: ours.own.cert });
  const { code, stderr } = await user.run(["-s", lab.address, "-tls-ca", user.path("ca.pem"), "board", "lock"]);
  assert.deepEqual(
    [code, stderr],
    [126, "✗ the peer wants a certificate that it accepts\n  -tls-cert and -tls-key show one\n"],
  );
});

for (const [words, message] of [
  [["-tls", "-tls-ca", "x"], "flags -tls and -tls-ca exclude each other"],
  [["-tls-ca", ""], 'invalid value "" for flag -tls-ca: must be the path of a file'],
] as const) {
  test(`dutctl ${words.join(" ")} is a wrong command line`, async () => {
    const { code, stderr } = await dutctl([...words, "list"]);
    assert.deepEqual([code, stderr.split(" (")[0]?.split("\n")[0]], [2, message]);
  });
}

for (const [words, message] of [
  [["-tls-ca", "nowhere.pem"], "cannot read nowhere.pem (flag -tls-ca): there is no such file"],
  [["-tls-cert", "x"], "flag -tls-cert is of no use alone"],
] as const) {
  test(`dutctl ${words.join(" ")} ends with a sentence about the file`, async () => {
    const { code, stderr } = await dutctl([...words, "list"]);
    assert.deepEqual([code, stderr.split("\n")[0]], [2, `✗ ${message}`]);
  });
}

test("a call in the clear loads nothing of TLS", async (t) => {
  await using user = await desk();
  await using clear = await agent(undefined);
  const watch = `import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) { const found = next(name, context); if (/read-tls|client-tls|pkg.auth/.test(found.url)) console.error(found.url); return found; } });`;
  const program = join(import.meta.dirname, "../dutctl.ts");
  const env = { ...process.env, HOME: user.path("."), XDG_CONFIG_HOME: "" };
  const words = ["--import", `data:text/javascript,${encodeURIComponent(watch)}`, program, "-s", clear.address, "list"];
  const list = await promisify(execFile)(process.execPath, words, { env, signal: t.signal });
  assert.deepEqual([list.stdout, list.stderr], ["- board\n", ""]);
});
