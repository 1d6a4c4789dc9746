import { addAbortListener, once } from "node:events";
import { connect as connectSocket } from "node:net";
import type { Duplex } from "node:stream";
import type { Algorithms, AuthenticationType, Client, ConnectConfig } from "ssh2";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Log } from "#pkg/log/log.ts";
import { type HostKeyCheck, openHostKeyCheck } from "./host-key.ts";
import { nameOf } from "./known-hosts.ts";
import type { Endpoint, SshOptions } from "./options.ts";

/** A server that does not answer for three of these is gone. */
const keepAliveMs = 10_000;

/** Disposing ends it, and the one that it goes through. */
export interface Connection extends AsyncDisposable {
  readonly client: Client;
}

interface Context {
  readonly files: Files;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Opens a connection and logs in, through the other server if there is one. Throws in the words of the Go module, and
 * with what to do: not reached, not known, not let in, too slow.
 */
export async function connect(options: SshOptions, { files, log, signal }: Context): Promise<Connection> {
  const late = AbortSignal.timeout(Math.ceil(parseDuration(options.timeout)));
  const context = { files, log, signal: AbortSignal.any([signal, late]) };
  try {
    return await connectAll(options, context);
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) {
      throw new DutError(
        "deadline_exceeded",
        `failed to establish SSH connection: no login within ${options.timeout}`,
        {
          hint: "see whether the server answers at all; the option timeout sets the limit",
        },
      );
    }
    throw error;
  }
}

async function connectAll(options: SshOptions, context: Context): Promise<Connection> {
  await using opened = new AsyncDisposableStack();
  const way = options.jump && opened.use(await login(options.jump, await dial(options.jump, context), context));
  const socket = await (way === undefined ? dial(options, context) : forward(way.client, options));
  const { client } = opened.use(await login(options, socket, context));
  const release = opened.move();
  return { client, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

async function dial({ host, port }: Endpoint, { signal }: Context): Promise<Duplex> {
  const socket = connectSocket({ host, port, noDelay: true });
  try {
    await once(socket, "connect", { signal });
    // What ends it before somebody listens shows in the login.
    socket.on("error", () => {});
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw new DutError("unavailable", `failed to dial SSH server: ${nameOf(host, port)}: ${messageOf(error)}`, {
      hint: "check the options host and port, and whether the server runs",
      cause: error,
    });
  }
}

async function forward(client: Client, { host, port }: Endpoint): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => (error ? reject(error) : resolve(channel)));
  return await promise.catch((error: unknown) => {
    throw new DutError(
      "unavailable",
      `failed to dial SSH server: ${nameOf(host, port)} through the jump host: ${messageOf(error)}`,
      { hint: "check the options host and port as the jump host knows them", cause: error },
    );
  });
}

async function login(server: Endpoint, sock: Duplex, { files, log, signal }: Context): Promise<Connection> {
  await using undo = new AsyncDisposableStack();
  undo.defer(() => void sock.destroy());
  const hostKey = await openHostKeyCheck(server, files, log);
  const credentials = await openCredentials(server, files);
  const { default: ssh2 } = await import("ssh2");
  const client = new ssh2.Client();
  const closed = Promise.withResolvers<void>();
  client.on("close", () => closed.resolve());
  const ready = Promise.withResolvers<void>();
  // After the login the loss of a connection shows in its channels.
  client.on("error", (error) => ready.reject(notLoggedIn(error, server)));
  client.on("ready", () => ready.resolve());
  client.on("close", () => ready.reject(notLoggedIn(new Error("the server closed the connection"), server)));
  client.on("keyboard-interactive", (_name, _instructions, _language, prompts, answer) => {
    answer(prompts.map(() => server.password ?? ""));
  });
  using _ = addAbortListener(signal, () => ready.reject(signal.reason));
  client.connect({
    sock,
    username: server.user,
    ...credentials,
    // The time limit is ours, and covers all of the way.
    readyTimeout: 0,
    keepaliveInterval: keepAliveMs,
    ...hostKeyConfig(hostKey, (error) => ready.reject(error)),
  });
  try {
    await ready.promise;
  } catch (error) {
    client.destroy();
    throw error;
  }
  undo.move();
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.end();
      client.destroy();
      await closed.promise;
    },
  };
}

function hostKeyConfig({ types, check }: HostKeyCheck, refuse: (error: unknown) => void): ConnectConfig {
  return {
    hostVerifier(key: Buffer, verify: (known: boolean) => void) {
      check(key).then(
        () => verify(true),
        (error: unknown) => {
          refuse(error);
          verify(false);
        },
      );
    },
    ...(types === undefined ? {} : { algorithms: { serverHostKey: [...types] } as Algorithms }),
  };
}

/** Keys before passwords, as in Go. */
async function openCredentials({ password, privatekey, passphrase, agent }: Endpoint, files: Files) {
  const authHandler: AuthenticationType[] = [];
  const config: ConnectConfig = { authHandler };
  if (privatekey !== undefined) {
    const key = await files.readText(privatekey);
    if (key === undefined) {
      throw new DutError("not_found", `there is no private key ${privatekey} on the agent`, {
        hint: "set the option privatekey to the path of a key file that the agent may read",
      });
    }
    await refuseUnusable(key, passphrase, privatekey);
    authHandler.push("publickey");
    Object.assign(config, { privateKey: key, passphrase });
  }
  if (agent !== undefined) {
    authHandler.push("agent");
    config.agent = agent;
  }
  if (password !== undefined) {
    authHandler.push("password", "keyboard-interactive");
    Object.assign(config, { password, tryKeyboard: true });
  }
  return config;
}

async function refuseUnusable(key: string, passphrase: string | undefined, path: string): Promise<void> {
  const { default: ssh2 } = await import("ssh2");
  const parsed = ssh2.utils.parseKey(key, passphrase);
  if (parsed instanceof Error) {
    throw new DutError("failed_precondition", `cannot use the private key ${path}: ${messageOf(parsed)}`, {
      hint: "it must be a private key of OpenSSH or PEM; the option passphrase decrypts it",
    });
  }
}

function notLoggedIn(error: Error, server: Endpoint): DutError {
  const what = `failed to establish SSH connection: ${nameOf(server.host, server.port)}`;
  if ("level" in error && error.level === "client-authentication") {
    return new DutError("unauthenticated", `${what} did not let ${server.user} in`, {
      hint: "check user and password or keys, and what the server's log says",
      cause: error,
    });
  }
  const hint = /no matching host key format/.test(messageOf(error))
    ? { hint: "the server has no key of the type that hostkey or knownhosts says" }
    : {};
  return new DutError("unavailable", `${what}: ${messageOf(error)}`, { ...hint, cause: error });
}
