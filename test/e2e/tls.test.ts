import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, rename, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { connect } from "node:tls";
import { testAuthority } from "#test/support/certificates.ts";
import type { Daemon } from "#test/support/lab.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { type Flags, type LabCertificates, labCertificates } from "#test/support/lab-certificates.ts";

const board = { cmds: { sh: shellCommand } };

/** A server that lets in whom its authority knows, with an agent that has dialled in. */
interface Secured {
  readonly lab: Lab;
  readonly certificates: LabCertificates;
  readonly server: Daemon;
  readonly alice: Flags;
}

async function secured(lab: Lab): Promise<Secured> {
  const certificates = await labCertificates(lab);
  const here = await certificates.issue("server", "here", "-host", "localhost");
  const server = await lab.server(...certificates.guarded(here), "-state", lab.path("server-state"));
  const bench = await certificates.issue("agent", "bench-1");
  const agent = ["-c", await lab.configuration({ board }), "-a", "none", "-state", lab.path("bench-state")];
  const dialled = lab.start("dutagent", [
    "-log-json",
    "-server",
    server.address,
    ...certificates.client(bench),
    ...agent,
  ]);
  await dialled.said("stderr", /"msg":"attached"/);
  return { lab, certificates, server, alice: await certificates.issue("user", "alice") };
}

/** The outcome of a client at an address, in short. */
async function dutctl(lab: Lab, address: string, flags: Flags, ...words: readonly string[]) {
  const { code, stdout, stderr } = await lab.dutctl(["-s", address, ...flags, ...words]);
  return [code, stdout, stderr.split("\n")[0]];
}

test("from an authority that the server makes to a run of a user over TLS, through a server, to an agent that dials in", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { certificates, server, alice } = await secured(lab);
  const files = ["tls-ca", "tls-cert", "tls-key"].map(
    (key, index) => `${key}=${[certificates.ca, alice[1], alice[3]][index]}`,
  );
  await lab.dutctl(["config", "set", "lab", `server=${server.address}`, ...files]);
  const ran = await lab.dutctl(["board", "sh", "echo hello"]);
  await lab.dutctl(["board", "lock"]);
  const listed = await lab.dutctl(["list"]);
  assert.deepEqual(
    [ran, listed.stdout.replace(/ for .*/, "")],
    [{ code: 0, stdout: "hello\n", stderr: "" }, '- board [locked by "alice"\n'],
  );
  await server.said("stderr", /"agent":"bench-1".*"key":"SHA256:[^"]+".*"msg":"agent attached"/);
});

test("without a good certificate nobody gets in, and the log says why", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { certificates, server, alice } = await secured(lab);
  const foreign = await labCertificates(lab, "foreign");
  const other = await foreign.issue("user", "alice");
  const own = await testAuthorityIn(lab, certificates);
  const outcome = (flags: Flags) => dutctl(lab, server.address, certificates.client(flags), "list");
  const refused = [126, "", "✗ the peer wants a certificate that it accepts"];
  assert.deepEqual(
    [
      await outcome(alice),
      await outcome([]),
      await outcome(other),
      await outcome(own.early),
      await outcome(own.selfSigned),
    ],
    [[0, "- board\n", ""], refused, refused, refused, refused],
  );
  const [code, , sentence] = await outcome(own.late);
  assert.deepEqual([code, /has expired on \d{4}-\d\d-\d\d$/.test(String(sentence))], [2, true]);
  await server.said(
    "stderr",
    /"err":"no certificate".*"msg":"connection refused, its certificate is missing or wrong"/,
  );
});

/** Certificates that dutserver does not make, by the same authority and by itself. */
async function testAuthorityIn(lab: Lab, { ca }: LabCertificates) {
  const { issue } = await import("#pkg/auth/authority/issue.ts");
  const authority = { cert: await readFile(ca, "utf8"), key: await readFile(ca.replace(/pem$/, "key"), "utf8") };
  const written = async (name: string, { cert, key }: { cert: string; key: string }): Promise<Flags> => {
    const paths = [lab.path(`${name}.pem`), lab.path(`${name}.key`)] as const;
    await writeFile(paths[0], cert);
    await writeFile(paths[1], key);
    return ["-tls-cert", paths[0], "-tls-key", paths[1]];
  };
  const day = 86_400_000;
  const wanted = { role: "user", name: "alice", hosts: [], key: undefined } as const;
  return {
    early: await written("early", await issue(authority, { ...wanted, days: 365 }, Date.now() + 30 * day)),
    late: await written("late", await issue(authority, { ...wanted, days: 1 }, Date.now() - 30 * day)),
    selfSigned: await written("self", (await testAuthority("alice")).own),
  };
}

test("nobody is who he is not: no user another one, no user an agent, no agent a user, no agent another one", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { certificates, server, alice } = await secured(lab);
  const bench = await certificates.issue("agent", "bench-2");
  const claimed = await dutctl(lab, server.address, [...certificates.client(alice), "-u", "bob"], "board", "lock");
  const asUser = await dutctl(lab, server.address, certificates.client(bench), "board", "lock");
  const config = await lab.configuration({ other: board });
  const agentWith = (own: Flags, ...more: Flags) =>
    lab.start("dutagent", [
      ...["-log-json", "-server", server.address, ...certificates.client(own), "-a", "none", "-c", config],
      ...["-state", lab.path(`state-${more.join("") || "user"}`), ...more],
    ]);
  await agentWith(alice).said("stderr", /the certificate of user \\"alice\\" is not of an agent/);
  await agentWith(bench, "-name", "bench-1").said(
    "stderr",
    /agent \\"bench-1\\" shows the certificate of \\"bench-2\\"/,
  );
  assert.deepEqual(
    [claimed, asUser],
    [
      [
        126,
        "",
        '✗ the certificate of user "alice" does not speak for "bob" (leave -u away, or use that user\'s certificate)',
      ],
      [
        126,
        "",
        '✗ the certificate of agent "bench-2" calls nothing but what agents need (use a certificate of a user)',
      ],
    ],
  );
});

test("certificates that are renewed at SIGHUP are for new connections; runs go on, and wrong ones change nothing", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { certificates, server, alice } = await secured(lab);
  execFileSync("mkfifo", [lab.path("go-on")]);
  const flags = ["-s", server.address, ...certificates.client(alice)];
  const run = lab.start("dutctl", [...flags, "board", "sh", `echo on; cat ${lab.path("go-on")}; echo over`]);
  await run.said("stdout", /on/);
  const serial = () => serialAt(server.address);
  const before = await serial();
  await certificates.issue("server", "here");
  server.kill("SIGHUP");
  await server.said("stderr", /"msg":"certificates read again"/);
  const renewed = await serial();
  await rename(lab.path("tls/server-here.key"), lab.path("tls/hidden"));
  server.kill("SIGHUP");
  await server.said("stderr", /there is no such file.*"msg":"certificates not changed"/);
  const kept = await serial();
  await writeFile(lab.path("go-on"), "");
  const { code, stdout } = await run.ended;
  assert.deepEqual([code, stdout, renewed === before, kept === renewed], [0, "on\nover\n", false, true]);
});

/** The number of the certificate that is shown. */
async function serialAt(address: string): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  // Only what is shown is looked at.
  const socket = connect({ host, port: Number(port), servername: host, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test("an agent that listens renews its certificates at SIGHUP too, and who the computer trusts may call it", async (t) => {
  await using lab = await Lab.open(t.signal);
  const certificates = await labCertificates(lab);
  const bench = () => certificates.issue("agent", "bench-1", "-host", "localhost");
  const agent = await lab.agent({ board }, ...(await bench()));
  const before = await serialAt(agent.address);
  await bench();
  agent.kill("SIGHUP");
  await agent.said("stderr", /"msg":"certificates read again"/);
  const { code, stdout } = await lab.dutctl(["-tls", "-s", agent.address, "list"], {
    env: { SSL_CERT_FILE: certificates.ca },
  });
  const untrusted = await lab.dutctl(["-tls", "-s", agent.address, "list"]);
  assert.deepEqual(
    [code, stdout, before === (await serialAt(agent.address)), untrusted.code],
    [0, "- board\n", false, 126],
  );
});

test("a server with another authority, and one in the clear, are not spoken to", async (t) => {
  await using lab = await Lab.open(t.signal);
  const ours = await labCertificates(lab);
  const theirs = await labCertificates(lab, "theirs");
  const false_ = await lab.server(
    ...(await theirs.issue("server", "here", "-host", "localhost")),
    "-state",
    lab.path("a"),
  );
  const clear = await lab.server("-state", lab.path("b"));
  await lab.dutctl(["config", "set", "lab", "server=localhost:1", `tls-ca=${ours.ca}`]);
  const [fingerprint, other] = [fingerprintOf(ours.ca), fingerprintOf(theirs.ca)];
  const outcome = async (address: string) => dutctl(lab, address, [], "list");
  assert.deepEqual(
    [await outcome(false_.address), await outcome(clear.address)],
    [
      [
        126,
        "",
        `✗ ${false_.address} is not known to the authority that is trusted: trusted is ${fingerprint}, shown was ${other} (SELF_SIGNED_CERT_IN_CHAIN)`,
      ],
      [126, "", `✗ ${clear.address} does not speak TLS`],
    ],
  );
  await clear.said("stderr", /"msg":"connection refused, it speaks TLS and this port does not"/);
});

/** As another program tells it. */
function fingerprintOf(path: string): string {
  const text = execFileSync("openssl", ["x509", "-in", path, "-noout", "-fingerprint", "-sha256"], {
    encoding: "utf8",
  });
  return text.trim().split("=")[1] ?? "";
}

test("TLS 1.2 is refused to a client of OpenSSL, and TLS 1.3 is not", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server, certificates, alice } = await secured(lab);
  const [, cert = "", , key = ""] = alice;
  const handshake = (version: string) => {
    const words = [
      "s_client",
      "-connect",
      server.address,
      "-CAfile",
      certificates.ca,
      "-cert",
      cert,
      "-key",
      key,
      version,
    ];
    const { stdout } = spawnSync("openssl", words, { input: "", encoding: "utf8", timeout: 10_000 });
    return /New, (.*?), Cipher is .*?\n/.exec(stdout)?.[1];
  };
  assert.deepEqual([handshake("-tls1_2"), handshake("-tls1_3")], ["(NONE)", "TLSv1.3"]);
});

const skip = spawnSync("curl", ["--version"]).error === undefined ? false : "needs curl: apt-get install curl";

test("curl calls with a certificate, and hears why not without TLS", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server, certificates, alice } = await secured(lab);
  const [, cert = "", , key = ""] = alice;
  const call = async (scheme: string, ...more: readonly string[]) => {
    const url = `${scheme}://${server.address}/dutctl.v1.DeviceService`;
    const words = ["curl", "-sS", "-H", "content-type: application/json", ...more];
    const list = await lab.startWords([...words, "-d", "{}", `${url}/List`]).ended;
    const lock = await lab.startWords([...words, "-d", '{"device":"board"}', `${url}/Lock`]).ended;
    return [list.stdout.replace(/,"lockedAt"[^}]*/, ""), /"owner":"([^"]*)"/.exec(lock.stdout)?.[1]];
  };
  const secure = ["--cacert", certificates.ca, "--cert", cert, "--key", key];
  assert.deepEqual(
    [
      await call("https", ...secure),
      await call("https", "--http1.1", ...secure),
      await call("https", ...secure, "-H", "from: alice"),
      await call("http"),
    ],
    [
      ['{"devices":[{"name":"board"}]}', "alice"],
      ['{"devices":[{"name":"board","lock":{"owner":"alice"}}]}', "alice"],
      ['{"devices":[{"name":"board","lock":{"owner":"alice"}}]}', "alice"],
      ["this port speaks TLS\n", undefined],
    ],
  );
});

test("ten users at once are each who they are", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { server, certificates } = await secured(lab);
  const names = Array.from({ length: 10 }, (_, index) => `user-${index}`);
  const flags: Flags[] = [];
  for (const name of names) {
    flags.push(await certificates.issue("user", name));
  }
  const ended = await Promise.all(
    flags.map((own) => dutctl(lab, server.address, certificates.client(own), "board", "lock")),
  );
  const winner = names[ended.findIndex(([code]) => code === 0)];
  const refused = [123, "", `✗ device "board" is locked by "${winner}" for 30m`];
  assert.deepEqual(
    ended
      .filter(([code]) => code !== 0)
      .map(([code, stdout, stderr]) => [code, stdout, String(stderr).replace(/\d+m\d+s/, "30m")]),
    Array.from({ length: 9 }, () => refused),
  );
});
