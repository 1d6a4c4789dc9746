import { addAbortListener } from "node:events";
import type { Duplex } from "node:stream";
import type { Client, HostVerifier } from "ssh2";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Endpoint, Hop, SshOptions } from "../options.ts";
import { algorithmsFor } from "./algorithms.ts";
import { openCredentials } from "./credentials.ts";
import { dial, dialThrough } from "./dial.ts";
import { type HostKeyCheck, openHostKeyCheck } from "./host-key.ts";
import { nameOf } from "./known-hosts.ts";
import { askEveryMs, watchSilence } from "./silence.ts";

/** Disposing ends it, and those that it goes through. */
export interface Connection extends AsyncDisposable {
  readonly client: Client;
}

interface Context {
  readonly host: Pick<Host, "files" | "env">;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Opens a connection and logs in, through other servers if there are any. Throws in the words of the Go module, and
 * with what to do: not reached, not known, not let in, too slow.
 */
export async function connect(options: SshOptions, { host, log, signal }: Context): Promise<Connection> {
  const late = AbortSignal.timeout(Math.ceil(parseDuration(options.timeout)));
  const context = { host, log, signal: AbortSignal.any([signal, late]) };
  try {
    return await reach(options, context);
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

async function reach(hop: Hop, context: Context): Promise<Connection> {
  await using opened = new AsyncDisposableStack();
  const way = hop.jump && opened.use(await reach(hop.jump, context));
  const { signal } = context;
  const socket = await (way === undefined ? dial(hop, signal) : dialThrough(way.client, hop, signal));
  const { client } = opened.use(await login(hop, socket, context));
  const release = opened.move();
  return { client, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

async function login(server: Endpoint, sock: Duplex, { host, log, signal }: Context): Promise<Connection> {
  await using undo = new AsyncDisposableStack();
  undo.defer(() => void sock.destroy());
  const hostKey = await openHostKeyCheck(server, host.files, log);
  const credentials = await openCredentials(server, host);
  const { default: ssh2 } = await import("ssh2");
  const client = new ssh2.Client();
  const closed = Promise.withResolvers<void>();
  client.on("close", () => closed.resolve());
  const ready = Promise.withResolvers<void>();
  let agentFailure: Error | undefined;
  // After the login the loss of a connection shows in its channels.
  client.on("error", (error) => {
    if (isOfAgent(error)) {
      agentFailure = error;
      log.warn("an ssh-agent did not help", { reason: messageOf(error) });
    } else {
      ready.reject(notLoggedIn(error, server, agentFailure));
    }
  });
  client.on("ready", () => ready.resolve());
  client.on("close", () =>
    ready.reject(notLoggedIn(new Error("the server closed the connection"), server, agentFailure)),
  );
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
    keepaliveInterval: askEveryMs,
    keepaliveCountMax: Number.POSITIVE_INFINITY,
    hostVerifier: verifierOf(hostKey, (error) => ready.reject(error)),
    algorithms: algorithmsFor(server.legacy, hostKey.types),
  });
  try {
    await ready.promise;
  } catch (error) {
    client.destroy();
    throw error;
  }
  watchSilence(client, sock, () =>
    log.warn("gave up an SSH server that fell silent", { host: nameOf(server.host, server.port) }),
  );
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

function verifierOf({ check }: HostKeyCheck, refuse: (error: unknown) => void): HostVerifier {
  return (key: Buffer, verify: (known: boolean) => void) => {
    check(key).then(
      () => verify(true),
      (error: unknown) => {
        refuse(error);
        verify(false);
      },
    );
  };
}

/** ssh2 goes on to the next way to log in after these. */
function isOfAgent(error: Error): boolean {
  return "level" in error && error.level === "agent";
}

function notLoggedIn(error: Error, server: Endpoint, agentFailure: Error | undefined): DutError {
  const what = `failed to establish SSH connection: ${nameOf(server.host, server.port)}`;
  if ("level" in error && error.level === "client-authentication") {
    const agent = agentFailure === undefined ? "" : `, and the ssh-agent said: ${messageOf(agentFailure)}`;
    return new DutError("unauthenticated", `${what} did not let ${server.user} in${agent}`, {
      hint: "check user and password or keys, and what the server's log says",
      cause: error,
    });
  }
  return new DutError("unavailable", `${what}: ${messageOf(error)}`, { ...hintFor(messageOf(error)), cause: error });
}

function hintFor(message: string): { readonly hint?: string } {
  if (/no matching host key format/.test(message)) {
    return {
      hint: "the server has no key of the type that hostkey or knownhosts says, or only one of an old type: legacy: true takes those",
    };
  }
  return /no matching/.test(message) ? { hint: "if the server is an old one, legacy: true takes what it knows" } : {};
}
