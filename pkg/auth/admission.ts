import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { CertifiedPeer, Peer } from "./peer.ts";

/** What a request is about, as far as it matters who makes it. */
export interface Asked {
  readonly path: string;
  /** Who the request says that it comes from; empty when it does not say. */
  readonly from: string;
}

/** What agents call at a server. */
const register = "/dutctl.v1.RelayService/Register";

/** What everybody may ask. */
const health = /^\/(?:healthz|readyz|grpc\.health\.v1\.Health\/[A-Za-z]+)$/;

/**
 * On whose behalf a request is made: the name in the certificate, or what the request says where there is no certificate, and
 * where another server passes it on. Throws permission_denied for what a certificate is not for.
 */
export function callerNamed(peer: Peer, { path, from }: Asked): string {
  if (peer.kind === "anonymous" || peer.role === "server") {
    return from;
  }
  if (peer.role === "agent" && path !== register && !health.test(path)) {
    throw refused(peer, "calls nothing but what agents need", "use a certificate of a user");
  }
  if (peer.role === "user" && path === register) {
    throw refused(peer, "registers no devices", "use a certificate of an agent");
  }
  if (from !== "" && from !== peer.name) {
    throw refused(peer, `does not speak for ${quote(from)}`, "leave -u away, or use that user's certificate");
  }
  return peer.name;
}

/** What a connection may be taken over for by others than servers: to be called as an agent. */
const agentProtocol = "dutlab-agent";

/**
 * Throws permission_denied for a peer whose certificate does not let it take a connection over for a protocol. Any but that
 * of agents is for servers of ours alone: who may speak it is believed whatever it says of its callers.
 */
export function refuseTakeover(peer: Peer, protocol: string): void {
  if (peer.kind === "anonymous" || peer.role === "server") {
    return;
  }
  if (protocol !== agentProtocol) {
    throw refused(peer, "is not of a server", "use one that dutserver cert server has made");
  }
  if (peer.role === "user") {
    throw refused(peer, "is not of an agent", "use one that dutserver cert agent has made");
  }
}

function refused({ role, name }: CertifiedPeer, what: string, hint: string): DutError {
  const whose = role === undefined ? quote(name) : `${role} ${quote(name)}`;
  return new DutError("permission_denied", `the certificate of ${whose} ${what}`, { hint });
}
