import { createPrivateKey } from "node:crypto";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";

/** A private key as ssh2 takes it, and what decrypts it. */
interface PrivateKey {
  readonly privateKey: string;
  readonly passphrase: string | undefined;
}

/** Reads a key of OpenSSH, PEM or PKCS #8. Throws not_found, and failed_precondition when it cannot be used. */
export async function readPrivateKey(path: string, passphrase: string | undefined, files: Files): Promise<PrivateKey> {
  const text = await files.readText(path);
  if (text === undefined) {
    throw new DutError("not_found", `there is no private key ${path} on the agent`, {
      hint: "set the option privatekey to the path of a key file that the agent may read",
    });
  }
  const { default: ssh2 } = await import("ssh2");
  try {
    const key = /^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text)
      ? { privateKey: fromPkcs8(text, passphrase), passphrase: undefined }
      : { privateKey: text, passphrase };
    const parsed = ssh2.utils.parseKey(key.privateKey, key.passphrase);
    if (parsed instanceof Error) {
      throw parsed;
    }
    return key;
  } catch (error) {
    throw new DutError("failed_precondition", `cannot use the private key ${path}: ${messageOf(error)}`, {
      hint: "it must be a private key of OpenSSH or PEM; the option passphrase decrypts it",
    });
  }
}

/** ssh2 does not know PKCS #8; RSA and EC keys have an older form that it does. */
function fromPkcs8(text: string, passphrase: string | undefined): string {
  const key = createPrivateKey({ key: text, passphrase });
  if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "ec") {
    throw new Error(`a key of the type ${key.asymmetricKeyType} must be in the format of OpenSSH`);
  }
  return key.export({ type: key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1", format: "pem" }).toString();
}
