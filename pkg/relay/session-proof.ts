import { createHash, createPublicKey, verify } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";

/** What an agent says of itself when it is asked to prove it. */
export interface SessionClaim {
  readonly nonce: Uint8Array;
  readonly agent: string;
  readonly bootId: string;
}

const purpose = "dutlab.v1 agent session";
const separator = Buffer.from([0]);

/** The bytes that an agent signs: a signature of them is good for one session of one server, and for nothing else. */
export function sessionProof({ nonce, agent, bootId }: SessionClaim): Buffer {
  const parts = [Buffer.from(purpose), nonce, Buffer.from(agent), Buffer.from(bootId)];
  return Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [separator, part])));
}

/** Throws unauthenticated when the signature is not that of the key. */
export function checkSessionProof(claim: SessionClaim, publicKey: Uint8Array, signature: Uint8Array): void {
  let valid: boolean;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    valid = key.asymmetricKeyType === "ed25519" && verify(null, sessionProof(claim), key, signature);
  } catch (error) {
    throw new DutError("unauthenticated", `agent "${claim.agent}" shows no key that can be read`, { cause: error });
  }
  if (!valid) {
    throw new DutError("unauthenticated", `agent "${claim.agent}" did not prove that its key is its own`);
  }
}

/** A public key in DER (SubjectPublicKeyInfo) as people compare it: `SHA256:` and the digest in base64. */
export function keyFingerprint(publicKey: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(publicKey).digest("base64").replace(/=+$/, "")}`;
}
