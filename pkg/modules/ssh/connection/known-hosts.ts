import { createHmac } from "node:crypto";
import { parseBlob } from "./public-key.ts";

/** One line of a known_hosts file that is about the server asked for. */
interface KnownKey {
  readonly type: string;
  readonly blob: Buffer;
  readonly revoked: boolean;
}

/**
 * The keys that a file in the format of sshd(8) has for a server. Lines about certificate authorities, lines that are
 * damaged and keys of unknown types are left out, as by OpenSSH.
 */
export function knownKeys(file: string, host: string, port: number): readonly KnownKey[] {
  const name = nameOf(host, port);
  return file.split("\n").flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
    const [patterns, type, base64] = words;
    if (patterns === undefined || patterns.startsWith("#") || type === undefined || base64 === undefined) {
      return [];
    }
    const blob = parseBlob(type, base64);
    if (blob === undefined || marker === "@cert-authority" || !matches(patterns, name)) {
      return [];
    }
    return [{ type, blob, revoked: marker === "@revoked" }];
  });
}

/** A line for a server that is known from now on. */
export function knownHostsLine(host: string, port: number, type: string, blob: Buffer): string {
  return `${nameOf(host, port)} ${type} ${blob.toString("base64")}\n`;
}

/** How known_hosts names a server: with its port unless that is ssh's own. */
export function nameOf(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith("|1|")) {
    const [, , salt = "", hash = ""] = patterns.split("|");
    return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash;
  }
  const list = patterns.toLowerCase().split(",");
  const matching = list.filter((pattern) => toExpression(pattern.replace(/^!/, "")).test(name));
  return matching.length > 0 && !matching.some((pattern) => pattern.startsWith("!"));
}

/** A pattern may hold `*` and `?`. Names are short and a star never follows itself here, so this cannot take long. */
function toExpression(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/\*+/g, "*")
    .replaceAll(/[^a-z0-9*?]/g, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
    .replaceAll("?", ".")
    .replaceAll("*", ".*");
  return new RegExp(`^${source}$`, "u");
}
