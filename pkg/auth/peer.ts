import type { X509Certificate } from "node:crypto";
import { alternativeNames } from "./alternative-names.ts";
import { certifiedKeyFingerprint } from "./fingerprint.ts";

export const roles = ["user", "agent", "server"] as const;

/** What a certificate of a lab is for. */
export type Role = (typeof roles)[number];

/** Who is at the other end of a connection. */
export type Peer =
  | { readonly kind: "anonymous" }
  | {
      readonly kind: "certificate";
      /** Undefined for a certificate of an authority that is none of ours. */
      readonly role: Role | undefined;
      readonly name: string;
      /** Of the public key. */
      readonly fingerprint: string;
    };

export type CertifiedPeer = Peer & { kind: "certificate" };

const anonymous: Peer = { kind: "anonymous" };

/** What a certificate says; that it may say so has been checked before. */
export function peerOfCertificate(certificate: X509Certificate): CertifiedPeer {
  const fingerprint = certifiedKeyFingerprint(certificate);
  const own = ownName(certificate);
  return {
    kind: "certificate",
    role: own?.role,
    name: own?.name ?? commonName(certificate) ?? fingerprint,
    fingerprint,
  };
}

/** The alternative name by which certificates of ours say what they are for. */
export function ownUri(role: Role, name: string): string {
  return `urn:dutctl:${role}:${name}`;
}

function ownName(certificate: X509Certificate): { role: Role; name: string } | undefined {
  for (const { kind, value } of alternativeNames(certificate)) {
    const [, role, name] = (kind === "URI" && /^urn:dutctl:(user|agent|server):([a-z0-9._@-]+)$/.exec(value)) || [];
    if (role !== undefined && name !== undefined) {
      return { role: role as Role, name };
    }
  }
  return undefined;
}

/** Undefined for none, for several, and for one that could not stand in a header. */
function commonName(certificate: X509Certificate): string | undefined {
  const { CN: name }: { CN?: string | string[] } = certificate.toLegacyObject().subject;
  return typeof name === "string" && /^[^\p{Cc}]{1,64}$/u.test(name) ? name : undefined;
}

/** Kept at the socket itself, because HTTP/2 hands out proxies of it that pass properties on. */
const peerKey = Symbol("peer");

/** Says who is at the other end of a socket. */
export function setPeer(socket: object, peer: Peer): void {
  Object.defineProperty(socket, peerKey, { value: peer });
}

/** Who is at the other end: of a socket, or of the `socket` of a request in either version of HTTP. */
export function peerOf(socket: object): Peer {
  return (socket as { readonly [peerKey]?: Peer })[peerKey] ?? anonymous;
}
