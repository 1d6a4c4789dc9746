import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposable, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { peerOfCertificate } from "#pkg/auth/peer.ts";
import { cert } from "./cert.ts";
import { init } from "./init.ts";

/** A folder for an authority, which is not there yet. */
async function folder() {
  const temporary = await mkdtempDisposable(join(tmpdir(), "authority-"));
  const directory = join(temporary.path, "tls");
  const read = async (name: string) => new X509Certificate(await readFile(join(directory, name)));
  return { directory, parent: temporary.path, read, [Symbol.asyncDispose]: () => temporary[Symbol.asyncDispose]() };
}

test("init makes an authority and a server certificate, for their owner alone, and says what to type next", async () => {
  await using made = await folder();
  const { directory } = made;
  const said = await init(["-dir", directory, "lab.example", "192.0.2.1"]);
  const [authority, server] = [await made.read("ca.pem"), await made.read("server-lab.example.pem")];
  const modes = [];
  for (const name of ["", ...(await readdir(directory)).sort()]) {
    modes.push(`${name} ${((await stat(join(directory, name))).mode & 0o777).toString(8)}`);
  }
  assert.deepEqual(
    [modes, authority.ca, server.ca, server.checkIssued(authority), server.verify(authority.publicKey)],
    [
      [" 700", "ca.key 600", "ca.pem 600", "server-lab.example.key 600", "server-lab.example.pem 600"],
      true,
      false,
      true,
      true,
    ],
  );
  assert.deepEqual([server.checkHost("lab.example"), server.checkIP("192.0.2.1")], ["lab.example", "192.0.2.1"]);
  assert.ok(said.includes(`  ${authority.fingerprint256}\n`));
  assert.ok(
    said.includes(`-tls-cert ${directory}/server-lab.example.pem -tls-key ${directory}/server-lab.example.key`),
  );
});

test("a server without names is this computer", async () => {
  await using made = await folder();
  await init(["-dir", made.directory]);
  const [name = ""] = (await readdir(made.directory)).filter((file) => /^server-.*\.pem$/.test(file));
  const server = await made.read(name);
  assert.deepEqual(
    [server.checkHost("localhost"), server.checkIP("127.0.0.1"), server.checkIP("::1") !== undefined],
    ["localhost", "127.0.0.1", true],
  );
});

test("an authority is not made twice, and beginning anew keeps the one before", async () => {
  await using made = await folder();
  await init(["-dir", made.directory, "lab"]);
  const before = await made.read("ca.pem");
  await assert.rejects(init(["-dir", made.directory, "lab"]), { code: "already_exists" });
  await init(["-dir", made.directory, "-force", "lab"]);
  const [moved = ""] = (await readdir(made.parent)).filter((name) => name.startsWith("tls.before-"));
  const kept = new X509Certificate(await readFile(join(made.parent, moved, "ca.pem")));
  assert.deepEqual(
    [
      kept.fingerprint256 === before.fingerprint256,
      (await made.read("ca.pem")).fingerprint256 === before.fingerprint256,
    ],
    [true, false],
  );
});

test("a certificate says who it is for, and is of use for what its holder does", async () => {
  await using made = await folder();
  await init(["-dir", made.directory, "lab"]);
  const described = [];
  for (const words of [
    ["user", "alice@lab"],
    ["agent", "bench-1", "-host", "192.0.2.4", "-days", "30"],
    ["agent", "bench-2"],
    ["server", "b"],
  ]) {
    await cert([words[0] ?? "", "-dir", made.directory, ...words.slice(1)]);
    const certificate = await made.read(`${words[0]}-${words[1]}.pem`);
    const { role, name } = peerOfCertificate(certificate);
    const days = Math.round((certificate.validToDate.getTime() - Date.now()) / 86_400_000);
    described.push([role, name, days, certificate.subjectAltName, certificate.keyUsage]);
  }
  const [server, client] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
  assert.deepEqual(described, [
    ["user", "alice@lab", 365, "URI:urn:dutctl:user:alice@lab", [client]],
    ["agent", "bench-1", 30, "URI:urn:dutctl:agent:bench-1, IP Address:192.0.2.4", [server, client]],
    ["agent", "bench-2", 730, "URI:urn:dutctl:agent:bench-2", [client]],
    ["server", "b", 730, "URI:urn:dutctl:server:b, DNS:b", [server, client]],
  ]);
});

test("a certificate that is renewed keeps its key and the names it had", async () => {
  await using made = await folder();
  const bench = ["agent", "-dir", made.directory, "bench-1"];
  await init(["-dir", made.directory, "lab"]);
  await cert([...bench, "-host", "a.lab", "-host", "b.lab"]);
  const first = await made.read("agent-bench-1.pem");
  const said = await cert(bench);
  const second = await made.read("agent-bench-1.pem");
  assert.deepEqual(
    [said.split(" ", 1), second.serialNumber === first.serialNumber, second.subjectAltName],
    [["renewed"], false, first.subjectAltName],
  );
  assert.equal(peerOfCertificate(second).fingerprint, peerOfCertificate(first).fingerprint);
});

test("a certificate whose key is lost is not renewed with another one", async () => {
  await using made = await folder();
  await init(["-dir", made.directory, "lab"]);
  await cert(["agent", "-dir", made.directory, "bench-1"]);
  await rm(join(made.directory, "agent-bench-1.key"));
  await assert.rejects(cert(["agent", "-dir", made.directory, "bench-1"]), {
    code: "failed_precondition",
    message: /agent-bench-1\.pem is there without its key$/,
  });
});

for (const [words, message] of [
  [[], "a certificate for whom?"],
  [["root", "x"], 'unknown kind of certificate "root"'],
  [["user"], "a certificate needs a name"],
  [["user", "alice", "bob"], "a certificate has one name"],
  [["user", "Alice"], 'invalid name "Alice"'],
  [["user", "../alice"], 'invalid name "../alice"'],
  [["agent", "bench@lab"], 'invalid name "bench@lab"'],
  [["agent", "a\nb"], 'invalid name "a\\nb"'],
  [["agent", "a", "-host", "a b"], 'invalid host "a b"'],
  [["user", "a", "-host", "a"], "nobody connects to a user: -host is for agents and servers"],
  [["user", "a", "-days", "0"], 'invalid value "0" for flag -days: must be 1 to 3650'],
] as const) {
  test(`a certificate is refused: ${message}`, async () => {
    await assert.rejects(cert(words), { code: "invalid_argument", message });
  });
}

test("without an authority there are no certificates", async () => {
  await using made = await folder();
  await assert.rejects(cert(["user", "-dir", made.directory, "alice"]), { code: "not_found" });
});
