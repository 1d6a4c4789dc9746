import { createHash, type X509Certificate } from "node:crypto";

/**
 * Names a public key, as ssh does: `SHA256:` and base64 of the digest of the key in DER (SubjectPublicKeyInfo). It outlives
 * the certificates that are made for the key.
 */
export function keyFingerprint(publicKey: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(publicKey).digest("base64").replace(/=+$/, "")}`;
}

/** The same for the key that a certificate is for. */
export function certifiedKeyFingerprint({ publicKey }: Pick<X509Certificate, "publicKey">): string {
  return keyFingerprint(publicKey.export({ type: "spki", format: "der" }));
}
