import assert from "node:assert/strict";
import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { type RecordedCall, recordedCall, type Utterance } from "#test/support/recorded-call.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { makeKey, openSshServer, type SshServer, withoutSshd, withoutSshdTerminal } from "#test/support/ssh-server.ts";
import { ssh } from "./ssh.ts";

const parts = { files: nodeFiles() };

suite("with a real SSH server", { skip: withoutSshd }, () => {
  let server: SshServer;
  before(async () => {
    server = await openSshServer();
  });
  after(() => server[Symbol.asyncDispose]());

  /** Options that let one in. */
  const good = () => ({
    host: "127.0.0.1",
    port: server.port,
    user: server.user,
    privatekey: server.userKey.path,
    hostkey: server.hostKey.publicKey,
  });

  async function ran(args: readonly string[], options: object = {}, given?: Parameters<typeof recordedCall>[1]) {
    const { call, transcript } = recordedCall(args, given);
    const error = await runModule(ssh, { ...good(), ...options }, call, parts).then(() => undefined, explained);
    return { transcript: joined(transcript), error };
  }

  test("both outputs of a command arrive as what they are, and it finds nothing on its stdin", async () => {
    assert.deepEqual(await ran(["cat; printf 'no newline'"]), {
      transcript: [{ stdout: "no newline" }],
      error: undefined,
    });
    assert.deepEqual(await ran(["echo grün >&2"]), { transcript: [{ stderr: "grün\n" }], error: undefined });
  });

  test("the status of a command is its run's, after all that it said; a signal has its name", async () => {
    const failed = await runModule(ssh, good(), recordedCall(["exit 42"]).call, parts).catch((error: unknown) => error);
    assert.ok(failed instanceof RemoteExit);
    assert.deepEqual([failed.status, failed.message], [42, "failed to execute command: Process exited with status 42"]);
    assert.deepEqual(await ran(["echo partial; kill -TERM $$"]), {
      transcript: [{ stdout: "partial\n" }],
      error: "failed to execute command: Process exited from signal TERM",
    });
  });

  test("a status is the run's up to 255", async () => {
    const statuses = [1, 2, 126, 127, 128, 130, 143, 254, 255];
    const found = [];
    for (const status of statuses) {
      const { call } = recordedCall([`exit ${status}`]);
      const error = await runModule(ssh, good(), call, parts).catch((thrown: unknown) => thrown);
      found.push(error instanceof RemoteExit ? error.status : error);
    }
    assert.deepEqual(found, statuses);
  });

  test("30 MB arrive whole at a user who takes them one by one", async () => {
    const { call } = recordedCall(["head -c 30000000 /dev/zero"]);
    let bytes = 0;
    const stdout = async (piece: Uint8Array) => {
      bytes += piece.length;
    };
    await runModule(ssh, good(), { ...call, session: { ...call.session, stdout } }, parts);
    assert.equal(bytes, 30_000_000);
  });

  test("an interactive command without a terminal reads what is piped in, to its end", async () => {
    assert.deepEqual(await ran(["cat; echo over"], { interactive: true }, { stdin: ["one\n", "no line feed"] }), {
      transcript: [{ stdout: "one\nno line feedover\n" }],
      error: undefined,
    });
    assert.deepEqual(await ran([], { interactive: true }, { stdin: ["echo one\n", "exit 4\n"] }), {
      transcript: [{ stdout: "one\n" }],
      error: "failed to execute command: Process exited with status 4",
    });
  });

  test("an interactive command has the user's terminal, its size, its keys and its signals", {
    skip: withoutSshdTerminal,
  }, async () => {
    const late: { user?: RecordedCall } = {};
    const shown = new TransformStream<string, string>(undefined, undefined, { highWaterMark: 1000 });
    const screen = shown.writable.getWriter();
    const pieces = shown.readable[Symbol.asyncIterator]();
    let seen = "";
    const until = async (text: string) => {
      while (!seen.includes(text)) {
        seen += (await pieces.next()).value;
      }
      seen = seen.slice(seen.indexOf(text) + text.length);
    };
    const loop = "while :; do sleep 0.01; done";
    late.user = recordedCall([`trap 'stty size' WINCH; trap 'echo ^C; exit 5' INT; stty size; echo $TERM; ${loop}`], {
      terminal: { type: "vt220", size: { rows: 24, columns: 80 } },
      stdin: (async function* () {
        await until("24 80\r\nvt220\r\n");
        late.user?.resize({ rows: 50, columns: 132 });
        await until("50 132\r\n");
        yield "\x03";
      })(),
    });
    const { call, transcript } = late.user;
    const stdout = async (bytes: Uint8Array) => {
      await call.session.stdout(bytes);
      void screen.write(String(bytes));
    };
    const session = { ...call.session, stdout };
    await assert.rejects(runModule(ssh, { ...good(), interactive: true }, { ...call, session }, parts), { status: 5 });
    assert.deepEqual([transcript[0], transcript.at(-1)], [{ rawMode: true }, { rawMode: false }]);
  });

  test("a cancelled run ends its command", async () => {
    await using roll = await openRollCall();
    const ending = new AbortController();
    const talkative = "trap '' PIPE; while echo still here; do sleep 0.05; done 2>/dev/null";
    const { call } = recordedCall([`${roll.attend("command")} & ${talkative}; kill $!`], { signal: ending.signal });
    const run = runModule(ssh, good(), call, parts);
    await roll.came("command");
    ending.abort(new Error("client gone"));
    await assert.rejects(run, new Error("client gone"));
    await roll.gone("command");
  });

  test("a user who leaves an interactive command hangs it up, and has the terminal back", {
    skip: withoutSshdTerminal,
  }, async () => {
    await using roll = await openRollCall();
    const ending = new AbortController();
    const { call, transcript } = recordedCall([roll.attend("command")], {
      signal: ending.signal,
      terminal: { type: "vt220", size: { rows: 24, columns: 80 } },
      stdin: (async function* () {
        yield "";
        await roll.gone("command");
      })(),
    });
    const run = runModule(ssh, { ...good(), interactive: true }, call, parts);
    await roll.came("command");
    ending.abort(new Error("left"));
    await assert.rejects(run, new Error("left"));
    await roll.gone("command");
    assert.deepEqual(transcript, [{ rawMode: true }, { rawMode: false }]);
  });

  test("a server without a key of the type that is pinned is refused with what is wrong", async () => {
    const blob = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from("ssh-rsa"), Buffer.alloc(64)]);
    const { error } = await ran(["true"], { hostkey: `ssh-rsa ${blob.toString("base64")}` });
    assert.match(error ?? "", /no matching host key format/);
  });

  test("a connection that is cut in the middle is no success", async () => {
    const { call } = recordedCall(["echo ready; sleep 60"]);
    const stdout = async () => server.cut();
    await assert.rejects(runModule(ssh, good(), { ...call, session: { ...call.session, stdout } }, parts), {
      code: "unavailable",
      message: "failed to execute command: the connection was lost before it had ended",
    });
  });

  test("a jump host is gone through, and known by a key of its own", async () => {
    const { host, port, user, privatekey, hostkey } = good();
    const jump = { host, port, user, privatekey, hostkey };
    assert.deepEqual(await ran(["echo there"], { jump }), { transcript: [{ stdout: "there\n" }], error: undefined });
    const { error } = await ran(["echo there"], { jump: { ...jump, hostkey: server.userKey.publicKey } });
    assert.match(error ?? "", /not the key SHA256:.* that the option hostkey says/);
  });

  test("a key may be encrypted, and one that cannot be used is named", async () => {
    const path = join(server.directory, "secret-key");
    const { publicKey } = await makeKey(path, { passphrase: "canary-passphrase" });
    await writeFile(join(server.directory, "authorized"), `${publicKey}\n`, { flag: "a" });
    const options = { privatekey: path, passphrase: "canary-passphrase" };
    const unknown = await makeKey(join(server.directory, "unknown-key"));
    assert.deepEqual(
      [
        (await ran(["true"], options)).error,
        (await ran(["true"], { privatekey: path })).error,
        (await ran(["true"], { privatekey: path, passphrase: "wrong-canary" })).error?.includes("canary"),
        (await ran(["true"], { privatekey: join(server.directory, "none") })).error,
        (await ran(["true"], { privatekey: unknown.path })).error,
      ],
      [
        undefined,
        `cannot use the private key ${path}: Encrypted private OpenSSH key detected, but no passphrase given`,
        false,
        `there is no private key ${join(server.directory, "none")} on the agent`,
        `failed to establish SSH connection: [127.0.0.1]:${server.port} did not let ${server.user} in`,
      ],
    );
  });

  test("a server that is met for the first time is remembered for the owner of the file alone, on a line of its own", async () => {
    const [type = "", base64 = ""] = server.hostKey.publicKey.split(" ");
    const line = `[127.0.0.1]:${server.port} ${type} ${base64}\n`;
    const open = join(server.directory, "unfinished");
    const fresh = join(server.directory, "fresh");
    await writeFile(open, "other.example ssh-ed25519 AAAA");
    const options = { hostkey: undefined, trust: "first-use" };
    await ran(["true"], { ...options, knownhosts: open });
    await ran(["true"], { ...options, knownhosts: fresh });
    assert.deepEqual(
      [await readFile(open, "utf8"), await readFile(fresh, "utf8"), (await stat(fresh)).mode & 0o777],
      [`other.example ssh-ed25519 AAAA\n${line}`, line, 0o600],
    );
  });

  test("a server is known by its key or fingerprint, from a file, from its first use on, or not at all", async () => {
    const [type = "", base64 = ""] = server.hostKey.publicKey.split(" ");
    const name = `[127.0.0.1]:${server.port}`;
    const known = join(server.directory, "known");
    const empty = join(server.directory, "empty");
    await writeFile(known, `# mine\nother.example ${type} ${base64}\n${name} ${type} ${base64} comment\n`);
    const learnt = join(server.directory, "learnt");
    const shown = { hostkey: undefined };
    assert.deepEqual(
      [
        (await ran(["true"], { ...shown, knownhosts: known })).error,
        (await ran(["true"], { ...shown, knownhosts: empty })).error,
        (await ran(["true"], { ...shown, knownhosts: learnt, trust: "first-use" })).error,
        await readFile(learnt, "utf8"),
        (await ran(["true"], { ...shown, knownhosts: learnt, trust: "first-use" })).error,
        (await ran(["true"], { ...shown, trust: "any" })).error,
      ],
      [undefined, `${empty} does not know ${name}`, undefined, `${name} ${type} ${base64}\n`, undefined, undefined],
    );
    await copyFile(server.hostKey.path, join(server.directory, "saved"));
    await server.replaceHostKey();
    const changed = await ran(["true"], { ...shown, knownhosts: learnt, trust: "first-use" });
    const pinned = await ran(["true"]);
    await copyFile(join(server.directory, "saved"), server.hostKey.path);
    assert.match(
      changed.error ?? "",
      /shows the host key ssh-ed25519 SHA256:\S+, and .*learnt has ssh-ed25519 SHA256:\S+ for it$/,
    );
    assert.match(
      pinned.error ?? "",
      /shows the host key ssh-ed25519 SHA256:\S+, not the key SHA256:\S+ that the option/,
    );
  });
});

/** Neighbouring pieces of one output may arrive as one. */
function joined(transcript: readonly Utterance[]): Utterance[] {
  const all: Utterance[] = [];
  for (const said of transcript) {
    const last = all.at(-1);
    if ("stdout" in said && last !== undefined && "stdout" in last) {
      last.stdout += said.stdout;
    } else {
      all.push({ ...said });
    }
  }
  return all;
}

function explained(error: Error): string {
  return error.message;
}

test("the help has no host and no secret, and says when whoever answers is trusted", () => {
  const options = { host: "10.0.0.7", password: "canary" };
  const jump = { host: "10.0.0.8", password: "canary", trust: "any" };
  const helps = [
    { ...options, trust: "any" },
    { ...options, knownhosts: "/k", jump },
    { ...options, knownhosts: "/k" },
  ].map((given) => ssh.configure(given).help);
  assert.deepEqual(
    helps.map((help) => [help.includes("10.0.0"), help.includes("canary"), help.includes("trust: any")]),
    [
      [false, false, true],
      [false, false, true],
      [false, false, false],
    ],
  );
});

test("the value of an argument is quoted for the shell that reads it, and not in the name of a file", () => {
  const options = { host: "10.0.0.7", password: "canary", trust: "any" };
  assert.deepEqual(
    [{}, { operation: "upload" }].map((more) => ssh.configure({ ...options, ...more }).shellArguments),
    [[0], []],
  );
});
