import type { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { type NamedFile, readCertificates, readPair } from "#pkg/auth/pem-files.ts";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { systemAuthorities, type TlsPaths } from "./tls-flags.ts";

/** What the files of a daemon had in them, in PEM; all of it is fit for use. */
export interface TlsTexts {
  readonly own: { readonly cert: string; readonly key: string } | undefined;
  readonly clientCa: string | undefined;
  readonly ca: { readonly kind: "system" } | { readonly kind: "file"; readonly pem: string } | undefined;
  /** What ends some day, and where it was found. */
  readonly certificates: readonly { readonly certificate: X509Certificate; readonly place: string }[];
}

/** Reads the files. Throws invalid_argument with the first fault, naming flag and file. */
export async function readTls({ own, clientCa, ca }: TlsPaths): Promise<TlsTexts> {
  const pair = own && (await readPair(named("tls-cert", own.cert), named("tls-key", own.key)));
  const clients = clientCa === undefined ? undefined : await readCertificates(named("tls-client-ca", clientCa));
  const servers =
    ca === undefined || ca === systemAuthorities ? undefined : await readCertificates(named("tls-ca", ca));
  refuseUnfit(own?.cert, pair && { cert: pair.pem, key: pair.key });
  return {
    own: pair && { cert: pair.pem, key: pair.key },
    clientCa: clients?.pem,
    ca: trusted(ca, servers?.pem),
    certificates: [
      ...listed("tls-cert", own?.cert, pair?.certificates),
      ...listed("tls-client-ca", clientCa, clients?.certificates),
      ...listed("tls-ca", ca, servers?.certificates),
    ],
  };
}

function trusted(ca: string | undefined, pem: string | undefined): TlsTexts["ca"] {
  if (ca === undefined) {
    return undefined;
  }
  return pem === undefined ? { kind: "system" } : { kind: "file", pem };
}

function named(flag: string, path: string): NamedFile {
  return { path, place: `-${flag}` };
}

function listed(flag: string, path: string | undefined, certificates: readonly X509Certificate[] = []) {
  return certificates.map((certificate) => ({ certificate, place: `${path} (-${flag})` }));
}

/** What OpenSSL has against a pair, such as a key that is too short, is found before it is in use. */
function refuseUnfit(path: string | undefined, pair: TlsTexts["own"]): void {
  try {
    createSecureContext(pair);
  } catch (error) {
    throw new DutError(
      "invalid_argument",
      `the certificate in ${path} (-tls-cert) cannot be used: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
