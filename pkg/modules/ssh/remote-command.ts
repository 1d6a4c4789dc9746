import { addAbortListener, once } from "node:events";
import type { Client, ClientChannel, PseudoTtyOptions } from "ssh2";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { feed } from "#pkg/host/input.ts";
import type { Call } from "../module.ts";
import type { Terminal } from "../session.ts";
import { sendSignal } from "./send-signal.ts";

/** How long a command that was asked to end has before the connection is closed. */
const graceMs = 2000;

/** How a command ended: with a status, by a signal, or with its connection. */
export type RemoteEnd =
  | { readonly kind: "exited"; readonly status: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "lost" };

interface RemoteCommand {
  /** Undefined starts the user's shell. */
  readonly command: string | undefined;
  /** The user's; undefined runs the command without a terminal. */
  readonly terminal: Terminal | undefined;
  readonly stdin: "nothing" | "the user's";
}

/**
 * Runs a command to its end, hands on what it says while it says it, and passes keys, sizes and signals to it. When the
 * run ends first, the connection is closed: at once with a terminal, which hangs the command up there, and otherwise after the
 * command was asked to end (SIGTERM) and a grace at the latest. That nothing tells whether it has ended goes into the log.
 */
export async function runRemotely(client: Client, remote: RemoteCommand, call: Call): Promise<RemoteEnd> {
  const { session, signal, log } = call;
  const { terminal } = remote;
  const { channel, closed, end: ended } = await openChannel(client, remote, signal);
  using _signals = session.onSignal((name) => {
    if (!sendSignal(client, channel, name)) {
      log.info("a signal cannot be passed on over SSH", { signal: name });
    }
  });
  using _sizes = terminal?.onResize(({ rows, columns }) => channel.setWindow(rows, columns, 0, 0));
  const unheard = new AbortController();
  const over = AbortSignal.any([signal, unheard.signal]);
  const stop = () => (terminal === undefined ? stopCommand(channel, client) : client.destroy());
  over.addEventListener("abort", stop, { once: true });
  const hand = async (output: NodeJS.ReadableStream, take: (piece: Uint8Array) => Promise<void>) => {
    for await (const piece of (output as ClientChannel).iterator({ destroyOnReturn: false })) {
      if (!unheard.signal.aborted) {
        await take(piece).catch((error: unknown) => unheard.abort(error));
      }
    }
  };
  try {
    if (over.aborted) {
      stop();
    }
    if (remote.stdin === "nothing") {
      channel.end();
    } else {
      const end = terminal === undefined ? "pipe" : "terminal";
      feed(session.stdin, channel, end).catch((error: unknown) => unheard.abort(error));
    }
    await Promise.all([
      closed,
      hand(channel, (piece) => session.stdout(piece)),
      hand(channel.stderr, (piece) => session.stderr(piece)),
    ]);
  } catch (error) {
    log.info("an SSH connection was lost", { reason: messageOf(error) });
  } finally {
    over.removeEventListener("abort", stop);
  }
  const end = ended();
  if (over.aborted && end.kind === "lost") {
    log.warn("the command of an SSH run that is over may go on at the server");
  }
  over.throwIfAborted();
  return end;
}

interface Open {
  readonly channel: ClientChannel;
  readonly closed: Promise<unknown>;
  /** To be asked when it is closed. */
  end(): RemoteEnd;
}

/** Throws the signal's reason when the server has not begun by then. */
async function openChannel(client: Client, { command, terminal }: RemoteCommand, signal: AbortSignal): Promise<Open> {
  const pty = terminal && ptyOf(terminal);
  const { promise, resolve, reject } = Promise.withResolvers<Open>();
  const take = (error: Error | undefined, channel: ClientChannel) => {
    if (error !== undefined) {
      reject(error);
      return;
    }
    // The end of a short command may be in the same packet, so it must be listened for at once.
    let end: RemoteEnd = { kind: "lost" };
    channel.on("exit", (status: number | null, killedBy?: string) => {
      end = status === null ? { kind: "killed", signal: killedBy ?? "a signal" } : { kind: "exited", status };
    });
    resolve({ channel, closed: once(channel, "close"), end: () => end });
  };
  using _ = addAbortListener(signal, () => client.destroy());
  if (command !== undefined) {
    client.exec(command, pty === undefined ? {} : { pty }, take);
  } else {
    client.shell(pty ?? false, take);
  }
  return await promise.catch((error: unknown) => {
    signal.throwIfAborted();
    throw new DutError("aborted", `failed to execute command: ${messageOf(error)}`, { cause: error });
  });
}

function ptyOf({ type, size }: Terminal): PseudoTtyOptions {
  return { term: type, rows: size.rows, cols: size.columns, width: 0, height: 0 };
}

/**
 * OpenSSH takes signals since 7.9, and not for root. Otherwise the end of the connection is all that a command hears: on a
 * terminal it is a hang-up, elsewhere the end of its input and of those who listen.
 */
function stopCommand(channel: ClientChannel, client: Client): void {
  sendSignal(client, channel, "SIGTERM");
  const timer = setTimeout(() => client.destroy(), graceMs);
  channel.once("close", () => clearTimeout(timer));
}
