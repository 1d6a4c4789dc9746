import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempDisposable, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Log, LogFields } from "#pkg/log/log.ts";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { openTls } from "./open-tls.ts";
import { readTls } from "./read-tls.ts";
import { parseTls } from "./tls-flags.ts";

const authority = await testAuthority();

/** A folder with files of the given texts. */
async function files(texts: Readonly<Record<string, string>>) {
  const folder = await mkdtempDisposable(join(tmpdir(), "tls-"));
  const path = (name: string) => join(folder.path, name);
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(path(name), text);
  }
  return { path, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** A log that keeps what is worse than information. */
function recordedLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const write = (message: string, fields: LogFields = {}) => lines.push(`${message} ${fields.err ?? fields.file}`);
  return { log: { ...silentLog, warn: write, error: write }, lines };
}

for (const [what, values, message] of [
  ["a certificate without its key", { "tls-cert": "a" }, "flags -tls-cert and -tls-key go together"],
  ["a key without its certificate", { "tls-key": "a" }, "flags -tls-cert and -tls-key go together"],
  ["an authority for clients alone", { "tls-client-ca": "a" }, "flag -tls-client-ca needs -tls-cert and -tls-key"],
] as const) {
  test(`${what} is a wrong command line`, () => {
    assert.throws(() => parseTls(values), { code: "invalid_argument", message });
  });
}

test("without flags nothing is secured, and an empty value is none", () => {
  const none = { own: undefined, clientCa: undefined, ca: undefined };
  assert.deepEqual([parseTls({}), parseTls({ "tls-cert": "", "tls-key": "" })], [none, none]);
});

test("every fault of a file is a sentence that names flag and file", async () => {
  const [good, other] = [await authority.server(), await authority.server()];
  const late = await authority.server({ from: -300, days: 30 });
  const broken = good.cert.replace(/\n[A-Za-z0-9+/]{8}/, "\nAAAAAAAA");
  const secret = execFileSync("openssl", "pkey -aes128 -passout pass:x".split(" "), {
    input: good.key,
    encoding: "utf8",
  });
  await using folder = await files({
    ...{ cert: good.cert, key: good.key, other: other.key, late: late.cert, "late-key": late.key },
    ...{ broken, secret, text: "hello\n", empty: "" },
  });
  const faultOf = async (cert: string, key: string, clientCa?: string) => {
    const paths = { own: { cert: folder.path(cert), key: folder.path(key) }, clientCa, ca: undefined };
    const error = await readTls(paths).then(
      () => "none",
      ({ message }: Error) => message,
    );
    return error.replaceAll(folder.path("x").slice(0, -1), "").replace(/: error:.*/, ": …");
  };
  assert.deepEqual(
    [
      await faultOf("cert", "key"),
      await faultOf("missing", "key"),
      await faultOf("cert", "missing"),
      await faultOf("text", "key"),
      await faultOf("broken", "key"),
      await faultOf("cert", "text"),
      await faultOf("cert", "secret"),
      await faultOf("cert", "other"),
      await faultOf("late", "late-key"),
      await faultOf("cert", "key", folder.path("empty")),
      await faultOf("cert", "key", `${folder.path("x").slice(0, -1)}.`),
    ],
    [
      "none",
      "cannot read missing (-tls-cert): there is no such file",
      "cannot read missing (-tls-key): there is no such file",
      "text (-tls-cert) has no certificate",
      "broken (-tls-cert) has a certificate that cannot be read: …",
      "text (-tls-key) has no key that can be read",
      "secret (-tls-key) has no key that can be read",
      "other (-tls-key) is not the key to the certificate in cert",
      `the certificate in late (-tls-cert) has expired on ${new X509Certificate(late.cert).validToDate.toISOString().slice(0, 10)}`,
      "empty (-tls-client-ca) has no certificate",
      "cannot read . (-tls-client-ca): it is a directory",
    ],
  );
});

test("a certificate that ends within 30 days is warned of", async () => {
  const [soon, later] = [await authority.server({ days: 29 }), await authority.server({ days: 40 })];
  await using folder = await files({ soon: soon.cert, key: soon.key, later: later.cert, "later-key": later.key });
  const { log, lines } = recordedLog();
  for (const [cert, key] of [
    ["soon", "key"],
    ["later", "later-key"],
  ] as const) {
    const own = { cert: folder.path(cert), key: folder.path(key) };
    using _ = await openTls({ own, clientCa: undefined, ca: undefined }, log);
  }
  assert.deepEqual(lines, [`a certificate will expire soon ${folder.path("soon")} (-tls-cert)`]);
});

test("files that are read again count for the listener and for connections, and files that are wrong change nothing", async () => {
  const [first, second] = [await authority.server(), await authority.server()];
  await using folder = await files({
    ...{ cert: first.cert, key: first.key, ca: authority.own.cert },
    ...{ "next-cert": second.cert, "next-key": second.key },
  });
  const { log, lines } = recordedLog();
  const own = { cert: folder.path("cert"), key: folder.path("key") };
  using tls = await openTls({ own, clientCa: undefined, ca: folder.path("ca") }, log);
  assert.ok(tls !== undefined);
  await using listener = await listen(parseAddress("localhost:0"), () => {}, {
    log: silentLog,
    insecure: false,
    tls: tls.listening,
  });
  await rename(folder.path("next-cert"), folder.path("cert"));
  await tls.renew(listener);
  const half = tls.towardsServers();
  await rename(folder.path("next-key"), folder.path("key"));
  await tls.renew(listener);
  assert.deepEqual(
    [lines, half, tls.towardsServers(), tls.listening],
    [
      [
        `certificates not changed ${own.key} (-tls-key) is not the key to the certificate in ${own.cert} (the first certificate of the file is its own)`,
      ],
      { own: first, ca: authority.own.cert, expects: "server" },
      { own: second, ca: authority.own.cert, expects: "server" },
      { ...second, clientCa: undefined },
    ],
  );
});

test("the authorities of the computer are asked for by their name", async () => {
  using tls = await openTls({ own: undefined, clientCa: undefined, ca: "system" }, silentLog);
  assert.deepEqual(
    [tls?.towardsServers(), tls?.listening],
    [{ own: undefined, ca: undefined, expects: "server" }, undefined],
  );
});
