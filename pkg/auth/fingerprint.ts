import { createHash, type X509Certificate } from "node:crypto";

/** Names a public key, as ssh does: `SHA256:` and base64 of the key in DER. It outlives the certificates that are made for the key. */
export function keyFingerprint({ publicKey }: Pick<X509Certificate, "publicKey">): string {
  const key = publicKey.export({ type: "spki", format: "der" });
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
