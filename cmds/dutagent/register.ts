import { DutError, explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { type ClientTls, dial } from "#pkg/protocol/dial.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import { Bell } from "./bell.ts";

/** How long a server may take to answer, in milliseconds. */
const registerMs = 10_000;

/** How long a server that was started anew is without its agents, in milliseconds. */
const againMs = 10_000;

/** How much sooner or later it is, as a part of that: the agents of a server do not come all at once. */
const jitter = 0.2;

/**
 * Tells a server which devices are to be had at an address. Throws unavailable when the server cannot be reached, or
 * the server's own refusal.
 */
async function register(
  { server, tls }: { readonly server: Address; readonly tls: ClientTls | undefined },
  devices: readonly string[],
  own: Address,
  signal?: AbortSignal,
): Promise<void> {
  using connection = connectTo(server, { identity: undefined, tls });
  const patience = AbortSignal.timeout(registerMs);
  const until = signal === undefined ? patience : AbortSignal.any([signal, patience]);
  try {
    const address = formatAddress(await reachable(own, server, until));
    await connection.relay.register(
      { devices: Array.from(devices), address },
      { timeoutMs: registerMs, signal: until },
    );
  } catch (error) {
    const fault = dutErrorFrom(error);
    throw new DutError(fault.code, `registering with dutserver at ${formatAddress(server)}: ${fault.message}`, {
      cause: error,
    });
  }
}

/** The devices of a bench, which may change. */
interface Registrable {
  readonly devices: ReadonlyMap<string, unknown>;
  onChange(listener: () => void): Disposable;
}

export interface RegistrationOptions {
  /** Between two registrations, in milliseconds. */
  readonly everyMs?: number;
  /** Towards the server, as it is now. Default in the clear. */
  readonly tls?: () => ClientTls | undefined;
}

/** Why the last try was for nothing. */
type Trouble = "lost" | "refused";

/**
 * The devices of a bench at a server: registered at the start, whenever there are others, and every 10 s or so, since a
 * server forgets them when it is started anew.
 */
export class Registration implements Disposable {
  readonly #server: Address | undefined;
  readonly #bench: Registrable;
  readonly #own: Address;
  readonly #log: Log;
  readonly #againMs: number;
  readonly #tls: () => ClientTls | undefined;
  readonly #bell = new Bell();
  readonly #changes: Disposable;
  /** What the server has taken last. */
  #registered: string | undefined;
  #trouble: Trouble | undefined;

  /** Without a server there is nothing to do. */
  constructor(
    server: Address | undefined,
    bench: Registrable,
    own: Address,
    log: Log,
    { everyMs = againMs, tls = () => undefined }: RegistrationOptions = {},
  ) {
    this.#server = server;
    this.#bench = bench;
    this.#own = own;
    this.#log = log;
    this.#againMs = everyMs;
    this.#tls = tls;
    this.#changes = bench.onChange(() => this.#bell.ring());
  }

  /** Resolves with false after logging why the server does not take the devices. */
  async first(): Promise<boolean> {
    if (this.#server === undefined) {
      return true;
    }
    const names = this.#names();
    try {
      await register({ server: this.#server, tls: this.#tls() }, names, this.#own);
    } catch (error) {
      this.#log.error("registration failed", { err: explain(error) });
      return false;
    }
    this.#taken(this.#server, names);
    return true;
  }

  /** Registers anew, one time after the other, until the signal. The log has what becomes different, and no single try. */
  async keepUp(signal: AbortSignal): Promise<void> {
    const server = this.#server;
    while (server !== undefined && !signal.aborted) {
      const timer = setTimeout(() => this.#bell.ring(), this.#againMs * (1 + jitter * (2 * Math.random() - 1)));
      await this.#bell.heard(signal);
      clearTimeout(timer);
      if (!signal.aborted) {
        await this.#again(server, signal);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
  }

  async #again(server: Address, signal: AbortSignal): Promise<void> {
    const names = this.#names();
    try {
      await register({ server, tls: this.#tls() }, names, this.#own, signal);
    } catch (error) {
      if (!signal.aborted) {
        this.#notTaken(dutErrorFrom(error), server, names);
      }
      return;
    }
    this.#taken(server, names);
  }

  #taken(server: Address, names: readonly string[]): void {
    const registered = names.join("\n");
    if (this.#trouble !== undefined || registered !== this.#registered) {
      this.#log.info("registered", { server: formatAddress(server) });
    }
    this.#trouble = undefined;
    this.#registered = registered;
  }

  #notTaken(error: DutError, server: Address, names: readonly string[]): void {
    if (error.code === "already_exists" && names.join("\n") === this.#registered) {
      // An existing server refuses what it has also when it is the agent's own.
      this.#log.debug("the server has the devices already", { err: error.message });
      this.#taken(server, names);
      return;
    }
    const trouble: Trouble = ["unavailable", "deadline_exceeded"].includes(error.code) ? "lost" : "refused";
    if (trouble === "lost" && this.#trouble !== trouble) {
      this.#log.warn("server lost, registering again until it is back", { err: explain(error) });
    } else if (this.#trouble !== trouble) {
      this.#log.error("registration failed", { err: explain(error) });
    }
    this.#trouble = trouble;
  }

  #names(): readonly string[] {
    return Array.from(this.#bench.devices.keys()).sort();
  }
}

/** A listener on every address of the machine is reached by the one that leads to the server. */
async function reachable(own: Address, server: Address, signal: AbortSignal): Promise<Address> {
  if (own.kind === "unix" || server.kind === "unix" || !["", "0.0.0.0", "::"].includes(own.host)) {
    return own;
  }
  const socket = await dial(server, signal);
  const host = socket.localAddress ?? own.host;
  socket.destroy();
  return { ...own, host };
}
