import assert from "node:assert/strict";
import { test } from "node:test";
import { sshOptions } from "./options.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

test("a host, a secret and a way to know the host are all that is needed", () => {
  assert.deepEqual(sshOptions.parse({ host: "board", password: "x", hostkey: `${key} comment` }), {
    host: "board",
    port: 22,
    user: "root",
    password: "x",
    hostkey: `${key} comment`,
    legacy: false,
    timeout: "10s",
    interactive: false,
    permission: "0644",
  });
});

for (const [options, problems] of [
  [{}, ["host: host is required"]],
  [
    { host: "board" },
    [
      "password: unable to authenticate, either password or private key must be configured, or an agent",
      "hostkey: nothing says how to know the server: set hostkey, or knownhosts, or trust: any if whoever answers may have the password and the session",
    ],
  ],
  [
    { host: "board", agent: "/a", hostkey: "ssh-rsa AAAAC3NzaC1lZDI1NTE5" },
    [
      'hostkey: a host key is written as in known_hosts without the names, "ssh-ed25519 AAAA…", or as the fingerprint "SHA256:…" of 43 characters that ssh-keygen -l shows',
    ],
  ],
  [
    { host: "board", password: "x", passphrase: "y", trust: "first-use" },
    [
      "passphrase: there is no private key for it: set privatekey too",
      "trust: first-use needs a file to remember the server in: set knownhosts",
    ],
  ],
  [
    { host: "board", password: "x", hostkey: key, trust: "any" },
    ["trust: any says the opposite of hostkey: leave one of them out"],
  ],
  [
    { host: "board", password: "x", hostkey: key, knownhosts: "/k" },
    ["knownhosts: hostkey says it already: leave one of them out"],
  ],
  [
    { host: "board", password: "x", hostkey: key, jump: { host: "gate", password: "y" } },
    [
      "jump.hostkey: nothing says how to know the server: set hostkey, or knownhosts, or trust: any if whoever answers may have the password and the session",
    ],
  ],
  [
    { host: "board", password: "x", trust: "any", port: 0, timeout: "soon", hostKey: key },
    [
      "port: Too small: expected number to be >=1",
      'timeout: time: invalid duration "soon" (write a number and a unit, such as 300ms, 1.5h or 1h30m)',
      ': Unrecognized key: "hostKey"',
    ],
  ],
] as const) {
  test(`the options ${JSON.stringify(options).slice(0, 90)} are refused`, () => {
    const { error } = sshOptions.safeParse(options);
    assert.deepEqual(
      error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
      problems,
    );
  });
}
