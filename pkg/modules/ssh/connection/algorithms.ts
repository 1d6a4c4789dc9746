import type { Algorithms } from "ssh2";
import { DutError } from "#pkg/errors/dut-error.ts";

/**
 * What is agreed on with a server: what OpenSSH still takes, without SHA-1, and for a `legacy` server behind that what
 * OpenSSH gave up (https://www.openssh.com/legacy.html). `shown` are the types of host keys that it may show; undefined for
 * all. Throws failed_precondition when only old ones are and the server is none.
 */
export function algorithmsFor(legacy: boolean, shown: readonly string[] | undefined): Algorithms {
  const { serverHostKey, ...algorithms } = legacy ? old : modern;
  const types = serverHostKey.filter((type) => shown?.includes(type) ?? true);
  if (types.length === 0) {
    throw new DutError("failed_precondition", `host keys of the type ${shown?.join(", ")} are not taken`, {
      hint: "legacy: true takes old types; better is a newer key at the server",
    });
  }
  return { ...algorithms, serverHostKey: types };
}

type Lists = { readonly [Kind in "kex" | "cipher" | "hmac" | "serverHostKey"]: Extract<Algorithms[Kind], unknown[]> };

const modern: Lists = {
  kex: [
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
  ],
  cipher: [
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
  ],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"],
  serverHostKey: [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
  ],
};

const old: Lists = {
  kex: [
    ...modern.kex,
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group1-sha1",
  ],
  cipher: [...modern.cipher, "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
  hmac: [...modern.hmac, "hmac-sha1-etm@openssh.com", "hmac-sha1"],
  serverHostKey: [...modern.serverHostKey, "ssh-rsa", "ssh-dss"],
};
