import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { Streams } from "#pkg/protocol/streams.ts";
import { unlessAborted } from "#pkg/protocol/unless-aborted.ts";
import { Tunnel } from "#pkg/relay/tunnel.ts";
import { upgrade, upgrades } from "#pkg/relay/upgrade.ts";

/** The connection of a server to another one: made with the first call, and again when it was lost. */
export class PeerConnection implements Streams, Disposable {
  readonly #address: Address;
  readonly #tls: () => ClientTls | undefined;
  readonly #end = new AbortController();
  #tunnel: Promise<Tunnel> | undefined;

  /** `tls` gives the newest that there is. */
  constructor(address: Address, tls: () => ClientTls | undefined) {
    this.#address = address;
    this.#tls = tls;
  }

  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    signal?: AbortSignal,
  ): Promise<ClientHttp2Stream> {
    this.#tunnel ??= this.#open();
    const tunnel = await unlessAborted(this.#tunnel, signal);
    return tunnel.request(method, path, headers, signal);
  }

  [Symbol.dispose](): void {
    this.#end.abort(new DutError("canceled", "the connection was closed"));
    // Whoever waits for one that is only being made hears that it is not; here nothing is left to drop then.
    this.#tunnel?.then(
      (tunnel) => tunnel[Symbol.dispose](),
      () => {},
    );
  }

  async #open(): Promise<Tunnel> {
    const forget = () => {
      this.#tunnel = undefined;
    };
    try {
      const socket = await upgrade(this.#address, upgrades.peer, { tls: this.#tls(), signal: this.#end.signal });
      const tunnel = new Tunnel(socket, `dutserver at ${formatAddress(this.#address)}`);
      void tunnel.closed.then(forget);
      return tunnel;
    } catch (error) {
      forget();
      throw error instanceof DutError && error.code !== "unimplemented"
        ? error
        : new DutError("unavailable", messageOf(error), { cause: error });
    }
  }
}
