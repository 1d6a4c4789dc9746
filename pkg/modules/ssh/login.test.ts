import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server as NetServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { AuthContext, Connection } from "ssh2";
import ssh2 from "ssh2";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { ssh } from "./ssh.ts";

const password = "canary-password";

/** Not made by ssh2, which makes one in some hundreds that it cannot read. */
const hostKey = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "sec1", format: "pem" })
  .toString();

async function listening(t: TestContext, server: NetServer | InstanceType<typeof ssh2.Server>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A server that lets in who `decide` lets in, and answers each command with its own text. */
async function sshServer(t: TestContext, decide: (context: AuthContext) => void): Promise<number> {
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection: Connection) => {
    connection.on("authentication", decide);
    connection.on("error", () => {});
    // Whoever asks it for a way to elsewhere waits for ever.
    connection.on("tcpip", () => {});
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.exit(0);
        channel.end(command);
      });
    });
  });
  return await listening(t, server);
}

async function ran(port: number, options: object = {}) {
  const { call, transcript } = recordedCall(["done"]);
  const all = { host: "127.0.0.1", port, password, trust: "any", ...options };
  const error = await runModule(ssh, all, call, { files: nodeFiles() }).then(() => undefined, explain);
  return { transcript, error: error?.replaceAll(`:${port}`, ":PORT") };
}

const done = { transcript: [{ stdout: "done" }], error: undefined };

test("a password is taken, as such or as the answer to the server's question", async (t) => {
  const plain = await sshServer(t, (context) =>
    context.method === "password" && context.password === password ? context.accept() : context.reject(["password"]),
  );
  const asked = await sshServer(t, (context) => {
    if (context.method === "keyboard-interactive") {
      context.prompt([{ prompt: "Password: ", echo: false }], ([answer]) =>
        answer === password ? context.accept() : context.reject(),
      );
    } else {
      context.reject(["keyboard-interactive"]);
    }
  });
  assert.deepEqual([await ran(plain), await ran(asked)], [done, done]);
});

test("who is not let in learns who was asked as whom, and not with what", async (t) => {
  const port = await sshServer(t, (context) => context.reject(["password"]));
  assert.deepEqual(await ran(port, { user: "me" }), {
    transcript: [],
    error:
      "failed to establish SSH connection: [127.0.0.1]:PORT did not let me in (check user and password or keys, and what the server's log says)",
  });
});

test("a server that says nothing, or lets one wait for the login, is given up in time", async (t) => {
  const held: Socket[] = [];
  const silent = await listening(
    t,
    createServer((socket) => void held.push(socket)),
  );
  t.after(() => held.forEach((socket) => void socket.destroy()));
  const slow = await sshServer(t, () => {});
  const late = {
    transcript: [],
    error:
      "failed to establish SSH connection: no login within 200ms (see whether the server answers at all; the option timeout sets the limit)",
  };
  const options = { timeout: "200ms" };
  assert.deepEqual([await ran(silent, options), await ran(slow, options)], [late, late]);
});

test("a jump host that does not say whether it reaches the server is given up in time", async (t) => {
  const gate = await sshServer(t, (context) => context.accept());
  const jump = { host: "127.0.0.1", port: gate, password, trust: "any" };
  assert.deepEqual(await ran(1, { jump, timeout: "500ms" }), {
    transcript: [],
    error:
      "failed to establish SSH connection: no login within 500ms (see whether the server answers at all; the option timeout sets the limit)",
  });
});

test("a server that is not there, hangs up or speaks something else is no SSH server", async (t) => {
  // No test is given this one.
  const port = 1;
  const rude = await listening(
    t,
    createServer((socket) => void socket.destroy()),
  );
  const web = await listening(
    t,
    createServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
  );
  const errors = [await ran(port), await ran(rude), await ran(web)].map(({ error }) => error);
  assert.equal(
    errors[0],
    "failed to dial SSH server: [127.0.0.1]:PORT: connect ECONNREFUSED 127.0.0.1:PORT (check the options host and port, and whether the server runs)",
  );
  assert.match(errors[1] ?? "", /^failed to establish SSH connection: \[127\.0\.0\.1\]:PORT: /);
  assert.match(errors[2] ?? "", /^failed to establish SSH connection: \[127\.0\.0\.1\]:PORT: /);
});

test("a password is not offered to a server that shows a wrong key", async (t) => {
  let asked = 0;
  const port = await sshServer(t, (context) => {
    asked += 1;
    context.accept();
  });
  const hostkey = `SHA256:${"A".repeat(43)}`;
  const { error } = await ran(port, { trust: undefined, hostkey });
  assert.match(
    error ?? "",
    /shows the host key ecdsa-sha2-nistp256 SHA256:\S+, not the key SHA256:A+ that the option hostkey says/,
  );
  assert.equal(asked, 0);
});

test("a run is cancelled while a server does not begin its command, or its file", async (t) => {
  const endings = { command: new AbortController(), file: new AbortController() };
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection: Connection) => {
    connection.on("authentication", (context) => context.accept());
    connection.on("error", () => {});
    connection.on("session", (accept) => {
      const session = accept();
      session.on("exec", () => endings.command.abort(new Error("over")));
      session.on("sftp", () => endings.file.abort(new Error("over")));
    });
  });
  const options = { host: "127.0.0.1", port: await listening(t, server), password, trust: "any" };
  for (const [given, { signal }] of [
    [options, endings.command],
    [{ ...options, operation: "download" }, endings.file],
  ] as const) {
    const { call } = recordedCall(["anything"], { signal });
    await assert.rejects(runModule(ssh, given, call, { files: nodeFiles() }), new Error("over"));
  }
});

test("a run that is over connects to nobody", async (t) => {
  const port = await sshServer(t, (context) => context.accept());
  const { call } = recordedCall(["done"], { signal: AbortSignal.abort(new Error("over")) });
  const run = runModule(ssh, { host: "127.0.0.1", port, password, trust: "any" }, call, { files: nodeFiles() });
  await assert.rejects(run, new Error("over"));
});
