import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { certificatesIn } from "./pem.ts";

/** A file that a user named, with the place where he did: `-tls-cert`. */
export interface NamedFile {
  readonly path: string;
  readonly place: string;
}

/** Certificates as text and read. */
export interface PemCertificates {
  readonly pem: string;
  /** At least one. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
}

/** A certificate with what leads to its authority, and its key. */
export interface PemPair extends PemCertificates {
  readonly key: string;
}

/** Reads certificates. Throws invalid_argument with the fault, naming file and place. */
export async function readCertificates(file: NamedFile): Promise<PemCertificates> {
  const pem = await textOf(file);
  const [first, ...rest] = parseCertificates(file, pem);
  if (first === undefined) {
    throw wrong(
      `${shown(file)} has no certificate`,
      "it is to be text in PEM, which begins with -----BEGIN CERTIFICATE-----",
    );
  }
  return { pem, certificates: [first, ...rest] };
}

/** Reads a certificate and its key. Throws invalid_argument also for a key of another certificate and for one that has expired. */
export async function readPair(cert: NamedFile, key: NamedFile): Promise<PemPair> {
  const { pem, certificates } = await readCertificates(cert);
  const keyPem = await textOf(key);
  const [own] = certificates;
  if (!own.checkPrivateKey(parseKey(key, keyPem))) {
    throw wrong(
      `${shown(key)} is not the key to the certificate in ${cert.path}`,
      "the first certificate of the file is its own",
    );
  }
  if (own.validToDate.getTime() < Date.now()) {
    throw wrong(
      `the certificate in ${shown(cert)} has expired on ${own.validToDate.toISOString().slice(0, 10)}`,
      "renew it; dutserver cert does for those of its authority",
    );
  }
  return { pem, certificates, key: keyPem };
}

function shown({ path, place }: NamedFile): string {
  return `${path} (${place})`;
}

async function textOf(file: NamedFile): Promise<string> {
  try {
    return await readFile(file.path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "there is no such file", EACCES: "it may not be read", EISDIR: "it is a directory" }[
      code ?? ""
    ];
    throw wrong(`cannot read ${shown(file)}: ${why ?? messageOf(error)}`, undefined, error);
  }
}

function parseCertificates(file: NamedFile, pem: string): readonly X509Certificate[] {
  try {
    return certificatesIn(pem);
  } catch (error) {
    throw wrong(`${shown(file)} has a certificate that cannot be read: ${messageOf(error)}`, undefined, error);
  }
}

function parseKey(file: NamedFile, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const hint = /ENCRYPTED/.test(pem)
      ? "it has a passphrase, and nobody is asked for it: openssl pkey -in FILE takes it away"
      : "it is to be text in PEM, which begins with -----BEGIN PRIVATE KEY-----";
    throw wrong(`${shown(file)} has no key that can be read`, hint, error);
  }
}

function wrong(message: string, hint?: string, cause?: unknown): DutError {
  return new DutError("invalid_argument", message, { ...(hint === undefined ? {} : { hint }), cause });
}
