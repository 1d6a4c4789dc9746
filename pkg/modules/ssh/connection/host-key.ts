import { DutError } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Endpoint } from "../options.ts";
import { knownHostsLine, knownKeys, nameOf } from "./known-hosts.ts";
import { fingerprintOf, parsePinnedKey, typeOf } from "./public-key.ts";

/** Nobody's known_hosts comes near; what stands behind it is not read. */
const knownHostsBytes = 4 * 1024 * 1024;

/** How a server is to be known. */
export interface HostKeyCheck {
  /** The types of keys that it may show; undefined for all. */
  readonly types: readonly string[] | undefined;
  /** Throws permission_denied when the server that shows this key is not the one that was meant. */
  check(key: Buffer): Promise<void>;
}

/** Reads what the options name. Throws what the file system refuses, and permission_denied for a server that cannot be known. */
export async function openHostKeyCheck(server: Endpoint, files: Files, log: Log): Promise<HostKeyCheck> {
  const name = nameOf(server.host, server.port);
  if (server.hostkey !== undefined) {
    return pinned(server.hostkey, name);
  }
  if (server.knownhosts !== undefined) {
    return await remembered(server, server.knownhosts, files, log);
  }
  return {
    types: undefined,
    async check(key) {
      log.warn("took an SSH server without knowing it", { host: name, key: fingerprintOf(key) });
    },
  };
}

function pinned(text: string, name: string): HostKeyCheck {
  const pin = parsePinnedKey(text);
  const expected = pin.kind === "key" ? fingerprintOf(pin.blob) : pin.fingerprint;
  return {
    types: pin.kind === "key" ? signatureTypes(pin.type) : undefined,
    async check(key) {
      if (fingerprintOf(key) !== expected) {
        throw stranger(name, key, `not the key ${expected} that the option hostkey says`);
      }
    },
  };
}

async function remembered(server: Endpoint, path: string, files: Files, log: Log): Promise<HostKeyCheck> {
  const name = nameOf(server.host, server.port);
  const read = async () => {
    const text = (await files.readText(path, knownHostsBytes)) ?? "";
    const known = knownKeys(text, server.host, server.port);
    return { text, known, good: known.filter(({ revoked }) => !revoked) };
  };
  const { good } = await read();
  if (good.length === 0 && server.trust !== "first-use") {
    throw new DutError("permission_denied", `${path} does not know ${name}`, {
      hint: `ssh-keyscan -p ${server.port} ${server.host} shows its keys: compare them with the server's own and add one, or set trust: first-use`,
    });
  }
  return {
    types: good.length === 0 ? undefined : [...new Set(good.flatMap(({ type }) => signatureTypes(type)))],
    async check(key) {
      // Another run may have met the server meanwhile.
      const { text, known, good } = await read();
      if (known.some(({ revoked, blob }) => revoked && blob.equals(key))) {
        throw stranger(name, key, `which ${path} says is revoked`);
      }
      if (good.some(({ blob }) => blob.equals(key))) {
        return;
      }
      if (good.length > 0) {
        const expected = good.map(({ type, blob }) => `${type} ${fingerprintOf(blob)}`).join(", ");
        throw stranger(name, key, `and ${path} has ${expected} for it`);
      }
      const line = knownHostsLine(server.host, server.port, typeOf(key), key);
      await files.appendText(path, text === "" || text.endsWith("\n") ? line : `\n${line}`);
      log.warn("remembered an SSH server that was not known", { host: name, key: fingerprintOf(key), file: path });
    },
  };
}

/** One type of key may sign in several ways (RFC 8332). */
function signatureTypes(type: string): readonly string[] {
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type];
}

function stranger(name: string, key: Buffer, what: string): DutError {
  return new DutError("permission_denied", `${name} shows the host key ${typeOf(key)} ${fingerprintOf(key)}, ${what}`, {
    hint: "somebody may be listening in, or the server was installed anew: compare the key with the server's own before you change the configuration",
  });
}
