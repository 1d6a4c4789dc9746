import { createPublicKey, verify } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";

/** What an agent says of itself when it is asked to prove it. */
export interface SessionClaim {
  readonly nonce: Uint8Array;
  readonly agent: string;
  readonly bootId: string;
}

const purpose = "dutlab.v1 agent session";
const separator = Buffer.from([0]);

/**
 * The bytes that an agent signs: good for one nonce and for nothing but a session. Who stands between the two can pass both
 * on, so in the clear it proves no more than that the agent takes part; TLS keeps others out.
 */
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
