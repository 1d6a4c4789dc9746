import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { testAuthority } from "#test/support/certificates.ts";
import { issue } from "./authority/issue.ts";
import { peerOf, peerOfCertificate, setPeer } from "./peer.ts";

const authority = await testAuthority();

test("a certificate of ours says role, name and key, and the next one for the same key has the same fingerprint", async () => {
  const first = await authority.issue("agent", "bench-3", { hosts: ["bench-3", "192.0.2.1"] });
  const next = await issue(authority.own, { role: "agent", name: "bench-3", hosts: [], days: 1, key: first.key });
  const key = createPublicKey(first.key).export({ type: "spki", format: "der" });
  const fingerprint = `SHA256:${createHash("sha256").update(key).digest("base64").replace("=", "")}`;
  const peer = { kind: "certificate", role: "agent", name: "bench-3", fingerprint };
  assert.deepEqual(
    [first, next].map(({ cert }) => peerOfCertificate(new X509Certificate(cert))),
    [peer, peer],
  );
});

test("a certificate of another authority is known by its common name, and without one by its key", () => {
  const named = (subject: string) => {
    const { role, name, fingerprint } = peerOfCertificate(new X509Certificate(foreign(subject)));
    return [role, name === fingerprint ? "its key" : name];
  };
  assert.deepEqual(
    [named("/O=Corp/CN=Alice Example"), named("/O=Corp"), named("/CN=a/CN=b")],
    [
      [undefined, "Alice Example"],
      [undefined, "its key"],
      [undefined, "its key"],
    ],
  );
});

test("a certificate whose names only resemble ours is a foreign one", () => {
  const alternatives = (text: string) => ["-addext", `subjectAltName=${text}`];
  const roleOf = (text: string) => peerOfCertificate(new X509Certificate(foreign("/CN=x", alternatives(text)))).role;
  assert.deepEqual(
    [
      "URI:urn:dutctl:server:evil/../x",
      "URI:urn:dutctl:root:x",
      "DNS:urn:dutctl:server:x",
      "URI:urn:dutctl:server:ok",
    ].map(roleOf),
    [undefined, undefined, undefined, "server"],
  );
});

function foreign(subject: string, more: readonly string[] = []): string {
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -days 1 -subj";
  return execFileSync("openssl", [...request.split(" "), subject, ...more], { encoding: "utf8", stdio: "pipe" });
}

test("a socket of which nothing is known is anonymous", () => {
  const socket = {};
  const before = peerOf(socket);
  setPeer(socket, { kind: "certificate", role: "user", name: "alice", fingerprint: "SHA256:x" });
  assert.deepEqual([before, peerOf(socket).kind], [{ kind: "anonymous" }, "certificate"]);
});
