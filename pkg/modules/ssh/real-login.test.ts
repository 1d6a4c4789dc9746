import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import {
  makeKey,
  openSshAgent,
  openSshServer,
  type SshServer,
  withoutOtherAccounts,
  withoutSshd,
} from "#test/support/ssh-server.ts";
import { ssh } from "./ssh.ts";

const canary = "canary-secret";

suite("logging in at a real SSH server", { skip: withoutSshd }, () => {
  let server: SshServer;
  before(async () => {
    server = await openSshServer();
  });
  after(() => server[Symbol.asyncDispose]());

  const at = ({ port, user, hostKey }: SshServer) => ({ host: "127.0.0.1", port, user, hostkey: hostKey.publicKey });

  /** Undefined when one is let in and the command has run. */
  async function refusal(options: object, env: Host["env"] = {}): Promise<string | undefined> {
    const { call } = recordedCall(["true"]);
    return await runModule(ssh, options, call, { files: nodeFiles(), env }).then(() => undefined, explain);
  }

  for (const key of [
    { type: "rsa", format: "RFC4716" },
    { type: "rsa", format: "PEM" },
    { type: "rsa", format: "PKCS8" },
    { type: "ecdsa", format: "PEM" },
    { type: "ecdsa", format: "PKCS8" },
    { type: "ed25519", format: "RFC4716" },
  ] as const) {
    test(`a key of ${key.type} in the format ${key.format} is taken with its passphrase, and not without`, async () => {
      const path = join(server.directory, `${key.type}-${key.format}`);
      const { publicKey } = await makeKey(path, { ...key, passphrase: canary });
      await writeFile(join(server.directory, "authorized"), `${publicKey}\n`, { flag: "a" });
      const options = { ...at(server), privatekey: path };
      const wrong = [await refusal(options), await refusal({ ...options, passphrase: "wrong-secret" })];
      assert.deepEqual(
        [
          await refusal({ ...options, passphrase: canary }),
          wrong.map((reason) => reason?.startsWith(`cannot use the private key ${path}: `)),
          wrong.some((reason) => reason?.includes("wrong-secret")),
        ],
        [undefined, [true, true], false],
      );
    });
  }

  test("an ssh-agent shows who one is, by its path or as the one of dutagent", async () => {
    const other = await makeKey(join(server.directory, "other"));
    await using agent = await openSshAgent(server.directory, [other, server.userKey]);
    const { socket } = agent;
    assert.deepEqual(
      [
        await refusal({ ...at(server), agent: socket }),
        await refusal({ ...at(server), agent: true }, { SSH_AUTH_SOCK: socket }),
        await refusal({ ...at(server), agent: true }),
      ],
      [
        undefined,
        undefined,
        "there is no ssh-agent: SSH_AUTH_SOCK is not set where dutagent runs (set the option agent to the path of the socket of an ssh-agent)",
      ],
    );
  });

  test("an ssh-agent that is not there does not keep other ways from being tried, and is named when none helps", async () => {
    const agent = join(server.directory, "nobody");
    const other = await makeKey(join(server.directory, "stranger"));
    const options = { ...at(server), agent };
    assert.deepEqual(
      [
        await refusal({ ...options, privatekey: server.userKey.path }),
        await refusal({ ...options, privatekey: other.path }),
      ],
      [
        undefined,
        `failed to establish SSH connection: [127.0.0.1]:${server.port} did not let ${server.user} in, and the ssh-agent said: Failed to connect to agent (check user and password or keys, and what the server's log says)`,
      ],
    );
  });

  for (const [method, settings] of Object.entries({
    password: ["PasswordAuthentication yes"],
    "keyboard-interactive": ["UsePAM yes", "KbdInteractiveAuthentication yes"],
  })) {
    test(`a password is checked by the server as ${method}`, { skip: withoutOtherAccounts }, async () => {
      await using asking = await openSshServer({ settings, password: canary });
      const denied = await refusal({ ...at(asking), password: "wrong-secret" });
      assert.deepEqual(
        [await refusal({ ...at(asking), password: canary }), denied],
        [
          undefined,
          `failed to establish SSH connection: [127.0.0.1]:${asking.port} did not let root in (check user and password or keys, and what the server's log says)`,
        ],
      );
    });
  }

  test("a server that knows only old algorithms is taken as legacy alone", async () => {
    const settings = [
      "KexAlgorithms diffie-hellman-group14-sha1",
      "MACs hmac-sha1",
      "Ciphers aes128-cbc",
      "HostKeyAlgorithms ssh-rsa",
      "PubkeyAcceptedAlgorithms +ssh-rsa",
    ];
    await using old = await openSshServer({ settings, hostKeyType: "rsa" });
    const options = { ...at(old), privatekey: old.userKey.path };
    assert.deepEqual(
      [await refusal(options), await refusal({ ...options, legacy: true })],
      [
        `failed to establish SSH connection: [127.0.0.1]:${old.port}: Handshake failed: no matching key exchange algorithm (if the server is an old one, legacy: true takes what it knows)`,
        undefined,
      ],
    );
  });

  test("two jump hosts are gone through one after the other, each known by its own key", async () => {
    await using gate = await openSshServer();
    await using yard = await openSshServer();
    const gateHop = { ...at(gate), privatekey: gate.userKey.path };
    const yardHop = { ...at(yard), privatekey: yard.userKey.path };
    const options = { ...at(server), privatekey: server.userKey.path };
    const wrong = { ...gateHop, hostkey: server.hostKey.publicKey };
    const refused = await refusal({ ...options, jump: { ...yardHop, jump: wrong } });
    assert.deepEqual(
      [
        await refusal({ ...options, jump: { ...yardHop, jump: gateHop } }),
        refused?.slice(0, refused.indexOf(" shows")),
      ],
      [undefined, `[127.0.0.1]:${gate.port}`],
    );
  });
});
