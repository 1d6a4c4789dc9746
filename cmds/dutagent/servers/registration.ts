import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { type ClientTls, dial } from "#pkg/protocol/dial.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import type { Bell } from "../bell.ts";
import { devicesOf, type Self } from "./self.ts";

/** How long a server may take to answer, in milliseconds. */
const registerMs = 10_000;

/** How long a server that was started anew is without its agents, in milliseconds. */
const againMs = 10_000;

/** How much sooner or later it is, as a part of that: the agents of a server do not come all at once. */
const jitter = 0.2;

interface RegistrationOptions {
  readonly self: Pick<Self, "bench">;
  /** Where the agent listens; undefined for nowhere. */
  readonly own: Address | undefined;
  readonly tls: () => ClientTls | undefined;
  readonly log: Log;
  /** How often a server is told. Default some 10 s. */
  readonly registerEveryMs?: number;
}

/**
 * The devices of an agent at a server that knows only addresses. It is told again and again, since it forgets them when it
 * is started anew.
 */
export class Registration {
  readonly #options: RegistrationOptions;
  /** What a server has taken last. */
  #registered = "";

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /**
   * Tells a server once. `cause` is why the agent could not dial in. Throws failed_precondition for an agent without an
   * address, unavailable when the server cannot be reached, or its own refusal.
   */
  async register(server: Address, signal: AbortSignal, cause: DutError): Promise<void> {
    const { own, self, tls, log } = this.#options;
    if (own === undefined) {
      throw new DutError("failed_precondition", `${cause.message}, and this agent has no address to register`, {
        hint: "listen with -a host:port, or replace the server",
        cause,
      });
    }
    const devices = devicesOf(self).map(({ name = "" }) => name);
    const registered = `${formatAddress(server)} ${devices.join("\n")}`;
    try {
      await register(server, devices, own, { tls: tls(), signal });
    } catch (error) {
      const fault = dutErrorFrom(error);
      if (fault.code !== "already_exists" || registered !== this.#registered) {
        throw new DutError(fault.code, `registering with dutserver at ${formatAddress(server)}: ${fault.message}`, {
          cause: error,
        });
      }
      // An existing server refuses what it has also when it is the agent's own.
      log.debug("the server has the devices already", { err: fault.message });
    }
    if (registered !== this.#registered) {
      log.info("registered", { server: formatAddress(server) });
    }
    this.#registered = registered;
  }

  /** Until it is time to tell the server again, or the bell rings. */
  async pause(bell: Bell, signal: AbortSignal): Promise<void> {
    const everyMs = this.#options.registerEveryMs ?? againMs;
    const timer = setTimeout(() => bell.ring(), everyMs * (1 + jitter * (2 * Math.random() - 1)));
    await bell.heard(signal);
    clearTimeout(timer);
  }
}

async function register(
  server: Address,
  devices: readonly string[],
  own: Address,
  { tls, signal }: { readonly tls: ClientTls | undefined; readonly signal: AbortSignal },
): Promise<void> {
  using connection = connectTo(server, { identity: undefined, tls });
  const until = AbortSignal.any([signal, AbortSignal.timeout(registerMs)]);
  const address = formatAddress(await reachable(own, server, until));
  await connection.relay.register({ devices: Array.from(devices), address }, { timeoutMs: registerMs, signal: until });
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
