import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { connect, getCACertificates, type TLSSocket } from "node:tls";
import { hostNames } from "#pkg/auth/alternative-names.ts";
import { peerOfCertificate } from "#pkg/auth/peer.ts";
import { certificatesIn } from "#pkg/auth/pem.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ClientTls } from "../dial.ts";

export interface Securing {
  /** The peer as a user knows it. */
  readonly peer: string;
  /** The name or address that its certificate has to be for. */
  readonly host: string;
  readonly tls: ClientTls;
  readonly protocol: string;
}

/** Begins TLS 1.3 on a connection. What comes of it, `secureConnect` or an error says; then `refuseUntrusted` has to be asked. */
export function beginTls(socket: Socket, { host, tls: { ca, own }, protocol }: Securing): TLSSocket {
  return connect({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    minVersion: "TLSv1.3",
    ALPNProtocols: [protocol],
    ca: ca ?? systemAuthorities(),
    ...(own === undefined ? {} : own),
    // Judged by refuseUntrusted, before anything is sent: Node would end the connection, and with it what is to be shown.
    rejectUnauthorized: false,
  });
}

/** Those of Mozilla that Node carries, on a computer that has none of its own. */
function systemAuthorities(): string[] {
  const authorities = getCACertificates("system");
  return authorities.length > 0 ? authorities : getCACertificates("bundled");
}

/** Throws unauthenticated, with the certificates in question named, for a peer that is not the one it should be. */
export function refuseUntrusted(secured: TLSSocket, securing: Securing): void {
  if (secured.authorized) {
    refuseOtherRole(secured, securing);
    return;
  }
  const problem = secured.authorizationError;
  const chain = chainOf(secured);
  secured.destroy();
  throw untrusted(String(problem instanceof Error && "code" in problem ? problem.code : problem), chain, securing);
}

/** An agent's certificate may be for a host that a server has as well, and does not make a server of it. */
function refuseOtherRole(secured: TLSSocket, { peer, tls: { expects } }: Securing): void {
  const certificate = secured.getPeerX509Certificate();
  const shown = certificate && peerOfCertificate(certificate);
  if (expects !== undefined && shown?.role !== undefined && shown.role !== expects) {
    secured.destroy();
    throw new DutError("unauthenticated", `the certificate of ${peer} is that of ${shown.role} ${quote(shown.name)}`, {
      hint: `a ${expects} is wanted there, with a certificate by dutserver cert ${expects}`,
    });
  }
}

/** What the peer has shown: its own certificate, then the one that signed it, and so on. */
function chainOf(secured: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = secured.getPeerX509Certificate();
  while (next !== undefined && !chain.some(({ fingerprint256 }) => fingerprint256 === next?.fingerprint256)) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}

function untrusted(code: string, chain: readonly X509Certificate[], { peer, host, tls }: Securing): DutError {
  const [own] = chain;
  const refused = (message: string, hint: string) => new DutError("unauthenticated", message, { hint });
  const clock = "is the clock of this computer right?";
  switch (code) {
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return refused(
        `the certificate of ${peer} is for ${namesOf(own)} and not for ${host}`,
        "use a name that it is for, or have one made for this name",
      );
    case "CERT_HAS_EXPIRED": {
      const expired = chain.find(({ validToDate }) => validToDate.getTime() < Date.now()) ?? own;
      return refused(
        `the certificate of ${peer} has expired on ${dateOf(expired?.validToDate)}`,
        `renew it there; ${clock}`,
      );
    }
    case "CERT_NOT_YET_VALID": {
      const early = chain.find(({ validFromDate }) => validFromDate.getTime() > Date.now()) ?? own;
      return refused(`the certificate of ${peer} is not valid before ${dateOf(early?.validFromDate)}`, clock);
    }
    case "INVALID_PURPOSE":
      return refused(`the certificate of ${peer} is not meant for a server`, "have a server certificate made for it");
    default:
      return refused(
        `${peer} is not known to the authority that is trusted: trusted is ${trusted(tls)}, shown was ${shown(chain)} (${code})`,
        "if the lab has a new authority, get its certificate from whom you trust; if not, somebody may be in between",
      );
  }
}

function trusted({ ca }: ClientTls): string {
  return ca === undefined
    ? "what this computer trusts"
    : certificatesIn(ca)
        .map(({ fingerprint256 }) => fingerprint256)
        .join(" and ");
}

/** The authority, for a peer that shows it; the certificate farthest from the peer in any case. */
function shown(chain: readonly X509Certificate[]): string {
  return chain.at(-1)?.fingerprint256 ?? "no certificate";
}

function namesOf(certificate: X509Certificate | undefined): string {
  const names = certificate === undefined ? [] : hostNames(certificate);
  return names.length === 0 ? "no name" : names.join(", ");
}

function dateOf(date: Date | undefined): string {
  return date?.toISOString().slice(0, 10) ?? "a day unknown";
}
