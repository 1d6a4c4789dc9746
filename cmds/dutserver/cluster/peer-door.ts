import { peerOf } from "#pkg/auth/peer.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Upgrade } from "#pkg/protocol/http1-door.ts";
import { http2Door } from "#pkg/protocol/http2-door.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import { unlessAborted } from "#pkg/protocol/unless-aborted.ts";
import { acceptUpgrade, upgrades } from "#pkg/relay/upgrade.ts";

/**
 * Where other servers call. They are answered by a handler of their own, which knows the agents that are here and no
 * others: a call is passed on once at most.
 */
export interface PeerDoor extends Disposable {
  readonly upgrade: Upgrade;
  /** Takes nothing new, and resolves when what is open has ended. Throws the signal's reason when it aborts first. */
  drain(signal: AbortSignal): Promise<void>;
}

export function peerDoor(handler: HttpHandler, log: Log): PeerDoor {
  const door = http2Door(handler, { headersMs: limits.headersMs, log, allowance: limits.tunnel });
  return {
    upgrade(_, socket, _head, guest) {
      // Only a server of ours has a certificate that was let through to here; without, anybody can say that he is one.
      if (peerOf(socket).kind === "certificate") {
        guest.left();
      } else {
        guest.spoke();
      }
      void acceptUpgrade(socket, upgrades.peer).then(
        () => door.admit(socket),
        (error: unknown) => log.debug("connection failed", { err: error }),
      );
    },
    drain: (signal) => unlessAborted(door.drain(), signal),
    [Symbol.dispose]: () => door.close(),
  };
}
