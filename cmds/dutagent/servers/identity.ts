import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { createWhole, ownFile } from "#pkg/store/sqlite/directory.ts";

/** What servers know an agent by: names belong to keys. */
export interface Identity {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer;
  sign(data: Uint8Array): Buffer;
}

const fileName = "agent-key.pem";

/**
 * The key pair in an agent's state directory, made when there is none (Ed25519, its owner's alone). Throws data_loss for
 * a file that is none: another key would be another agent to every server.
 */
export function openIdentity(directory: string): Identity {
  const path = join(directory, fileName);
  if (!ownFile(path)) {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ format: "pem", type: "pkcs8" });
    createWhole(path, (draft) => writeFileSync(draft, pem, { flush: true }));
  }
  try {
    const privateKey = createPrivateKey(readFileSync(path));
    const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" });
    return { publicKey, sign: (data) => sign(null, data, privateKey) };
  } catch (error) {
    throw new DutError("data_loss", `${path} (${statSync(path).size} bytes) is no private key: ${messageOf(error)}`, {
      hint: "put a copy of it back; without one, remove it, and let the server's administrator transfer the devices to the new key",
      cause: error,
    });
  }
}
