import { createHash } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";

/** A key as a configuration pins it: the key itself in the wire's format, or its fingerprint. */
type PinnedKey =
  | { readonly kind: "key"; readonly type: string; readonly blob: Buffer }
  | { readonly kind: "fingerprint"; readonly fingerprint: string };

const fingerprintPattern = /^SHA256:[A-Za-z0-9+/]{43}=?$/;

/** Throws invalid_argument when the text is neither. A comment behind a key is no part of it. */
export function parsePinnedKey(text: string): PinnedKey {
  const trimmed = text.trim();
  if (fingerprintPattern.test(trimmed)) {
    return { kind: "fingerprint", fingerprint: trimmed.replace(/=$/, "") };
  }
  const [type = "", base64] = trimmed.split(/\s+/);
  const blob = base64 === undefined ? undefined : parseBlob(type, base64);
  if (blob === undefined) {
    throw new DutError(
      "invalid_argument",
      'a host key is written as in known_hosts without the names, "ssh-ed25519 AAAA…", or as the fingerprint "SHA256:…" of 43 characters that ssh-keygen -l shows',
    );
  }
  return { kind: "key", type, blob };
}

/** The bytes of a key, or undefined when the text is no key of that type. */
export function parseBlob(type: string, base64: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    return undefined;
  }
  const blob = Buffer.from(base64, "base64");
  return typeOf(blob) === type ? blob : undefined;
}

/** The type that a key in the wire's format begins with (RFC 4253, 6.6); empty when it is none. */
export function typeOf(blob: Buffer): string {
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0);
  return blob.toString("latin1", 4, 4 + Math.min(length, 64));
}

/** As ssh-keygen shows it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}
