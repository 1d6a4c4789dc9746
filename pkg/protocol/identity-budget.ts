import type { Socket } from "node:net";
import { type CertifiedPeer, peerOf } from "#pkg/auth/peer.ts";
import { quote } from "#pkg/golang/quote.ts";
import { limits } from "./limits.ts";

/**
 * Holds whoever shows a certificate to so many connections, wherever they come from. Those without one are held by where
 * they come from alone.
 */
export class IdentityBudget {
  readonly #open = new Map<string, number>();

  /** Counts a connection until it closes, and returns undefined; for one too many it returns the reason and counts nothing. */
  admit(socket: Socket): string | undefined {
    const peer = peerOf(socket);
    if (peer.kind === "anonymous" || socket.closed) {
      return undefined;
    }
    const identity = identityOf(peer);
    const open = this.#open.get(identity) ?? 0;
    const { perIdentity } = limits.connections;
    if (open >= perIdentity) {
      return `${identity} has ${perIdentity} connections here, which is all that a certificate may have`;
    }
    this.#open.set(identity, open + 1);
    socket.once("close", () => this.#leave(identity));
    return undefined;
  }

  #leave(identity: string): void {
    const open = (this.#open.get(identity) ?? 0) - 1;
    if (open > 0) {
      this.#open.set(identity, open);
    } else {
      this.#open.delete(identity);
    }
  }
}

/** Who a certificate is of, for people and for counting: renewed, it is of the same. */
function identityOf({ role, name }: CertifiedPeer): string {
  return role === undefined ? quote(name) : `${role} ${quote(name)}`;
}
