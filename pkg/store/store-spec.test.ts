import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { parseStoreSpec } from "./store-spec.ts";

test("a store is a directory, with or without its kind before it", () => {
  const directories = ["/var/lib/dutserver", "state", "sqlite:./state", "sqlite:/a b"];
  assert.deepEqual(
    directories.map((text) => parseStoreSpec(text)),
    ["/var/lib/dutserver", "state", "./state", "/a b"].map((directory) => ({ kind: "sqlite", directory })),
  );
});

test("an etcd is named by its members, and has a user, a lab and files for TLS if they are given", () => {
  const plain = { kind: "etcd", prefix: "/dutctl/", user: undefined, password: undefined, tls: undefined };
  const member = (host: string, port = 2379) => ({ kind: "tcp", host, port });
  const noFiles = { ca: undefined, cert: undefined, key: undefined };
  const cases = {
    "etcd://db": { ...plain, members: [member("db")] },
    "etcd://db/": { ...plain, members: [member("db")] },
    "etcd://a:1,[::1],b/lab-7": { ...plain, members: [member("a", 1), member("::1"), member("b")], prefix: "/lab-7/" },
    "etcd://al%40ice:p%3A:%2F@a/l/b/": {
      ...plain,
      members: [member("a")],
      prefix: "/l/b/",
      user: "al@ice",
      password: "p::/",
    },
    "etcds://alice@a": { ...plain, members: [member("a")], user: "alice", tls: noFiles },
    "etcd://a?ca=/a%20b.pem": { ...plain, members: [member("a")], tls: { ...noFiles, ca: "/a b.pem" } },
    "etcds://a/lab?cert=c.pem&key=k.pem": {
      ...plain,
      members: [member("a")],
      prefix: "/lab/",
      tls: { ca: undefined, cert: "c.pem", key: "k.pem" },
    },
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((text) => [text, parseStoreSpec(text)])), cases);
});

test("what names no store is refused with the form that it has, and never with a password", () => {
  const cases = {
    "": /^"" names no directory/,
    "sqlite:": /names no directory/,
    "etcd://": /that is no URL of etcd/,
    "etcd:db": /that is no URL of etcd/,
    "etcd://al:secret@": /that is no URL of etcd/,
    "etcd://al:se@cret@a/#": /that is no URL of etcd/,
    "etcd://al:secret@a?cert=c": /a certificate needs its key/,
    "etcd://al:secret@a?tls=yes": /there is no parameter "tls"/,
    "etcd://al:secret%zz@a": /a % begins no character/,
    "etcd://al:secret@a:99999": /a port is at most 65535/,
  };
  for (const [text, reason] of Object.entries(cases)) {
    assert.throws(
      () => parseStoreSpec(text),
      (error) => error instanceof DutError && error.code === "invalid_argument" && reason.test(explain(error)),
      text,
    );
    assert.throws(
      () => parseStoreSpec(text),
      (error) => !/secret|cret/.test(explain(error)),
      text,
    );
  }
});
