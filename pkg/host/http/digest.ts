import { createHash } from "node:crypto";

/** What a server asks for with the status 401 (RFC 7616, section 3.3). */
interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As the server wrote it; undefined means MD5. */
  readonly algorithm: string | undefined;
  /** False for servers of RFC 2069, which have no `qop`. */
  readonly qop: boolean;
  /** The credentials may be right and only the nonce too old. */
  readonly stale: boolean;
}

/** The digests that are known, the better first. */
const hashes = [
  ["SHA-256", "sha256"],
  ["MD5", "md5"],
] as const;

const isSession = (algorithm: string) => algorithm.toUpperCase().endsWith("-SESS");

function hashNamed(algorithm: string): string | undefined {
  const plain = algorithm.toUpperCase().replace(/-SESS$/, "");
  return hashes.find(([name]) => name === plain)?.[1];
}

/** The best challenge of a `WWW-Authenticate` header that can be answered; undefined when there is none. */
export function parseDigestChallenge(header: string): DigestChallenge | undefined {
  const challenges = splitChallenges(header)
    .filter(({ scheme, parameters }) => scheme === "digest" && parameters.nonce !== undefined)
    .map(({ parameters }) => ({
      realm: parameters.realm ?? "",
      nonce: parameters.nonce ?? "",
      opaque: parameters.opaque,
      algorithm: parameters.algorithm,
      qop: parameters.qop?.split(",").some((offered) => offered.trim().toLowerCase() === "auth") ?? false,
      stale: parameters.stale?.toLowerCase() === "true",
    }));
  return hashes
    .map(([, hash]) => challenges.find(({ algorithm = "MD5" }) => hashNamed(algorithm) === hash))
    .find((challenge) => challenge !== undefined);
}

interface Challenge {
  readonly scheme: string;
  readonly parameters: Record<string, string>;
}

/** Challenges and their parameters are both separated by commas; a token without `=` after it begins a challenge. */
function splitChallenges(header: string): readonly Challenge[] {
  const found: Challenge[] = [];
  const pattern = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?/g;
  for (const [whole, name = "", quoted, token] of header.matchAll(pattern)) {
    if (!whole.includes("=")) {
      found.push({ scheme: name.toLowerCase(), parameters: {} });
      continue;
    }
    const challenge = found.at(-1);
    if (challenge !== undefined) {
      challenge.parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? token ?? "";
    }
  }
  return found;
}

/** What is being proved: that `user` knows `password` and means this request. */
interface DigestClaim {
  readonly method: string;
  /** Path and query. */
  readonly uri: string;
  readonly user: string;
  readonly password: string;
  /** Never used before. */
  readonly cnonce: string;
}

/** The value of the header `Authorization` (RFC 7616, section 3.4), for the first request with this nonce. */
export function answerDigest(challenge: DigestChallenge, claim: DigestClaim): string {
  const { realm, nonce, opaque, algorithm, qop } = challenge;
  const hash = hashNamed(algorithm ?? "MD5") ?? "md5";
  const digest = (...parts: readonly string[]) => createHash(hash).update(parts.join(":")).digest("hex");
  const count = "00000001";
  const secret = digest(claim.user, realm, claim.password);
  const first = isSession(algorithm ?? "") ? digest(secret, nonce, claim.cnonce) : secret;
  const second = digest(claim.method, claim.uri);
  const response = qop ? digest(first, nonce, count, claim.cnonce, "auth", second) : digest(first, nonce, second);
  const fields = [
    `username=${quoted(claim.user)}`,
    `realm=${quoted(realm)}`,
    `uri=${quoted(claim.uri)}`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    `nonce=${quoted(nonce)}`,
    ...(qop ? [`nc=${count}`] : []),
    ...(qop || isSession(algorithm ?? "") ? [`cnonce=${quoted(claim.cnonce)}`] : []),
    ...(qop ? ["qop=auth"] : []),
    `response=${quoted(response)}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ];
  return `Digest ${fields.join(", ")}`;
}

const quoted = (text: string) => `"${text.replace(/[\\"]/g, "\\$&")}"`;
