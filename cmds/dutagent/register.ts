import { DutError, explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { dial } from "#pkg/protocol/dial.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import type { Bench } from "#pkg/session/bench.ts";

const registerMs = 10_000;

/**
 * Tells a server which devices are to be had at an address. Throws unavailable when the server cannot be reached, or
 * the server's own refusal.
 */
async function register(server: Address, devices: readonly string[], own: Address): Promise<void> {
  using connection = connectTo(server, { identity: undefined });
  try {
    const address = formatAddress(await reachable(own, server));
    await connection.relay.register({ devices: Array.from(devices).sort(), address }, { timeoutMs: registerMs });
  } catch (error) {
    const fault = dutErrorFrom(error);
    throw new DutError(fault.code, `registering with dutserver at ${formatAddress(server)}: ${fault.message}`, {
      cause: error,
    });
  }
}

/** The devices of a bench at a server: registered at the start, and anew whenever there are others. */
export class Registration implements Disposable {
  readonly #server: Address | undefined;
  readonly #bench: Bench;
  readonly #own: Address;
  readonly #log: Log;
  readonly #changes: Disposable;
  #registered = "";
  #registering = Promise.resolve();

  /** Without a server there is nothing to do. */
  constructor(server: Address | undefined, bench: Bench, own: Address, log: Log) {
    this.#server = server;
    this.#bench = bench;
    this.#own = own;
    this.#log = log;
    this.#changes = bench.onChange(() => this.#again());
  }

  /** Resolves with false after logging why the server does not take the devices. */
  async first(): Promise<boolean> {
    return this.#server === undefined || (await this.#register(this.#server));
  }

  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
  }

  #again(): void {
    const server = this.#server;
    if (server !== undefined && this.#registered !== "" && this.#names().join("\n") !== this.#registered) {
      this.#registering = this.#registering.then(() => this.#register(server)).then(() => undefined);
    }
  }

  async #register(server: Address): Promise<boolean> {
    const names = this.#names();
    this.#registered = names.join("\n");
    try {
      await register(server, names, this.#own);
    } catch (error) {
      this.#log.error("registration failed", { err: explain(error) });
      return false;
    }
    this.#log.info("registered", { server: formatAddress(server) });
    return true;
  }

  #names(): readonly string[] {
    return Array.from(this.#bench.devices.keys()).sort();
  }
}

/** A listener on every address of the machine is reached by the one that leads to the server. */
async function reachable(own: Address, server: Address): Promise<Address> {
  if (own.kind === "unix" || server.kind === "unix" || !["", "0.0.0.0", "::"].includes(own.host)) {
    return own;
  }
  const socket = await dial(server, AbortSignal.timeout(registerMs));
  const host = socket.localAddress ?? own.host;
  socket.destroy();
  return { ...own, host };
}
