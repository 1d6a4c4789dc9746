import { createHmac } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";

const stepSeconds = 30;
const digits = 6;

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The one-time code of a moment (RFC 6238 with SHA-1, 30 seconds and 6 digits, as `kvmd-totp` has it). */
export function oneTimeCode(secret: Uint8Array, milliseconds: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(milliseconds / 1000 / stepSeconds)));
  const digest = createHmac("sha1", secret).update(counter).digest();
  const offset = (digest.at(-1) as number) & 0xf;
  const number = (digest.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits;
  return String(number).padStart(digits, "0");
}

/** The bytes of a secret in base32 (RFC 4648), as `kvmd-totp show` prints it. Throws invalid_argument. */
export function parseSecret(text: string): Uint8Array {
  const characters = text.toUpperCase().replace(/[\s=]/g, "");
  if (characters === "" || [...characters].some((character) => !alphabet.includes(character))) {
    throw new DutError("invalid_argument", "expected a secret in base32, as kvmd-totp shows it");
  }
  const bits = [...characters].map((character) => alphabet.indexOf(character).toString(2).padStart(5, "0")).join("");
  const octets = bits.slice(0, Math.floor(bits.length / 8) * 8).match(/.{8}/g) ?? [];
  return Uint8Array.from(octets, (octet) => Number.parseInt(octet, 2));
}
