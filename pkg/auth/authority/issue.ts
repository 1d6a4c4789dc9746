import { createPrivateKey, createPublicKey, KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import { DutError } from "#pkg/errors/dut-error.ts";
import { ownUri, type Role } from "../peer.ts";

/** A certificate and the key to it, in PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  readonly role: Role;
  readonly name: string;
  /** The names and addresses that it is reached by, if it is to be reached. */
  readonly hosts: readonly string[];
  readonly days: number;
  /** The key in PEM that it is for; undefined makes one. */
  readonly key: string | undefined;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 3_600_000;

/** Clocks differ: a certificate is valid from so long ago on, in milliseconds. */
const backdatedMs = 3_600_000;

/** An authority that signs itself. `now` is in milliseconds. */
export async function newAuthority(name: string, days: number, now = Date.now()): Promise<Credentials> {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(now + days * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemOf(certificate.toString("pem")), key: pemOfKey(keys.privateKey) };
}

/** A certificate that an authority signs, not valid for longer than the authority. Throws invalid_argument for a key of another kind. */
export async function issue(authority: Credentials, wanted: Wanted, now = Date.now()): Promise<Credentials> {
  const { role, name, hosts, days } = wanted;
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.cert);
  const { privateKey, publicKey } = await keysOf(wanted.key);
  const isCalled = role === "server" || (role === "agent" && hosts.length > 0);
  const purposes = isCalled ? [serverAuth, clientAuth] : [clientAuth];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [name] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(Math.min(now + days * dayMs, issuer.notAfter.getTime())),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: (await keysOf(authority.key)).privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(purposes),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: ownUri(role, name) },
        ...hosts.map((host) => ({ type: isIP(host) === 0 ? ("dns" as const) : ("ip" as const), value: host })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: pemOf(certificate.toString("pem")), key: wanted.key ?? pemOfKey(privateKey) };
}

/** RFC 5280, section 4.2.1.12. */
const serverAuth = "1.3.6.1.5.5.7.3.1";
const clientAuth = "1.3.6.1.5.5.7.3.2";

/** Loaded when a certificate is made, which few do: it takes longer than most of our programs' starts. */
async function library() {
  // The library is injected with itself by a container that wants this in the global Reflect.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

async function keysOf(pem: string | undefined): Promise<webcrypto.CryptoKeyPair> {
  if (pem === undefined) {
    return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  }
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw new DutError("invalid_argument", "the key is not one of ECDSA on P-256");
  }
  return {
    privateKey: privateKey.toCryptoKey(algorithm, true, ["sign"]),
    publicKey: createPublicKey(privateKey).toCryptoKey(algorithm, true, ["verify"]),
  };
}

function pemOfKey(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: "pkcs8", format: "pem" }).toString();
}

function pemOf(text: string): string {
  return `${text.trimEnd()}\n`;
}

/** 16 bytes in hexadecimal of a number above zero. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0);
  return bytes.toString("hex");
}
