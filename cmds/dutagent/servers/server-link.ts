import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import { unlessAborted } from "#pkg/protocol/unless-aborted.ts";
import { type DialledOut, dialOut } from "#pkg/relay/dial-out.ts";
import { Bell } from "../bell.ts";
import { AgentSession } from "./agent-session.ts";
import { reconnectDelay } from "./reconnect-delay.ts";
import { Registration } from "./registration.ts";
import type { Self } from "./self.ts";

/** A session that has lasted this long was a good one: after it the pauses begin small again, in milliseconds. */
const goodMs = 10_000;

export interface ServerLinkOptions {
  /** Servers of one lab; the first is tried first. */
  readonly servers: readonly Address[];
  readonly self: Self;
  /** What everybody is served. */
  readonly handler: HttpHandler;
  /** Where the agent listens, for a server that knows nothing but addresses; undefined for nowhere. */
  readonly own: Address | undefined;
  /** The newest that there is. */
  readonly tls: () => ClientTls | undefined;
  readonly log: Log;
  /** Default none. */
  readonly metrics?: Metrics;
  /** The pause before an attempt, in milliseconds. Default reconnectDelay. */
  readonly delay?: (attempt: number) => number;
  /** How often a server that knows only addresses is told, in milliseconds. Default some 10 s. */
  readonly registerEveryMs?: number;
}

/** How an attempt to be at a server ended. */
type Ended =
  /** Attached, and lost again after so many milliseconds. */
  | { readonly kind: "lost"; readonly reason: string; readonly lastedMs: number }
  /** The server wants the agent elsewhere. */
  | { readonly kind: "sent away"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: unknown }
  /** A server that knows only addresses has ours. */
  | { readonly kind: "registered" };

/** A session in use, with its connection. */
interface Open {
  readonly session: AgentSession;
  readonly connection: DialledOut;
}

/**
 * Keeps an agent at one of its servers: dials, and dials again whatever happens, the next server of the list after each
 * loss. A server that does not know agents that dial in is told the agent's address instead. Disposing drops what is open.
 */
export class ServerLink implements Disposable {
  readonly #options: ServerLinkOptions;
  readonly #registration: Registration;
  readonly #bell = new Bell();
  readonly #changes: Disposable;
  /** The newest last; before it those that servers want gone, for as long as something is open on them. */
  readonly #open = new Set<Open>();
  #complaint = "";

  constructor(options: ServerLinkOptions) {
    this.#options = options;
    this.#registration = new Registration(options);
    this.#changes = options.self.bench.onChange(() => this.#bell.ring());
  }

  /** Until the signal. What is open then stays so. */
  async keep(signal: AbortSignal): Promise<void> {
    const { servers, delay = reconnectDelay } = this.#options;
    let attempt = 0;
    for (let turn = 0; servers.length > 0 && !signal.aborted; ) {
      const server = servers[turn % servers.length] as Address;
      const ended = await this.#attempt(server, signal);
      if (signal.aborted) {
        return;
      }
      if (ended.kind === "registered") {
        attempt = 0;
        await this.#registration.pause(this.#bell, signal);
        continue;
      }
      turn += 1;
      if (ended.kind === "sent away" || (ended.kind === "lost" && ended.lastedMs >= goodMs)) {
        attempt = 0;
      }
      this.#tell(server, ended);
      await pause(delay(attempt), signal);
      attempt += 1;
    }
  }

  /** Tells the server that the agent stops, so that it starts nothing new here. */
  goodbye(reason: string): void {
    for (const { session } of this.#open) {
      session.goodbye(reason);
    }
  }

  /** Resolves when everything that servers have open here has ended; rejects when the signal aborts first. */
  async drain(signal: AbortSignal): Promise<void> {
    await unlessAborted(Promise.all(Array.from(this.#open, ({ connection }) => connection.drain())), signal);
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
    for (const { connection } of this.#open) {
      connection[Symbol.dispose]();
    }
  }

  /** One connection to a server, from dialling to its end or until the server wants it gone. */
  async #attempt(server: Address, signal: AbortSignal): Promise<Ended> {
    const { self, handler, tls, log, metrics } = this.#options;
    const session = new AgentSession(self, log.with({ server: formatAddress(server) }));
    try {
      const connection = await dialOut(server, session.handler(handler), { tls: tls(), signal, log, metrics });
      const open = { session, connection };
      this.#open.add(open);
      void connection.closed.then(() => {
        this.#open.delete(open);
        session.end("the connection was lost");
      });
      try {
        return await this.#attached(server, open, signal);
      } catch (error) {
        if (!signal.aborted) {
          connection[Symbol.dispose]();
        }
        throw error;
      }
    } catch (error) {
      if (error instanceof DutError && error.code === "unimplemented") {
        return this.#register(server, signal, error);
      }
      return { kind: "failed", error };
    }
  }

  async #attached(server: Address, { session, connection }: Open, signal: AbortSignal): Promise<Ended> {
    const epoch = await unlessAborted(session.accepted, signal);
    const since = performance.now();
    this.#complaint = "";
    this.#options.log.info("attached", { server: formatAddress(server), epoch: Number(epoch) });
    return unlessAborted(
      Promise.race([
        session.sentAway.then((reason): Ended => ({ kind: "sent away", reason })),
        connection.closed.then(
          (): Ended => ({ kind: "lost", reason: "the connection was lost", lastedMs: performance.now() - since }),
        ),
      ]),
      signal,
    );
  }

  async #register(server: Address, signal: AbortSignal, cause: DutError): Promise<Ended> {
    try {
      await this.#registration.register(server, signal, cause);
      this.#complaint = "";
      return { kind: "registered" };
    } catch (error) {
      return { kind: "failed", error };
    }
  }

  /** The log has what becomes different, and no single try. */
  #tell(server: Address, ended: Exclude<Ended, { kind: "registered" }>): void {
    const log = this.#options.log.with({ server: formatAddress(server) });
    if (ended.kind !== "failed") {
      log.warn(ended.kind === "lost" ? "server lost" : "server wants this agent elsewhere", { reason: ended.reason });
      return;
    }
    const complaint = `${formatAddress(server)} ${messageOf(ended.error)}`;
    const say = complaint === this.#complaint ? log.debug : isAbsence(ended.error) ? log.warn : log.error;
    this.#complaint = complaint;
    say("not attached, trying again", { err: explain(ended.error) });
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof DutError && ["unavailable", "deadline_exceeded"].includes(error.code);
}

/** Ends early when the signal aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
