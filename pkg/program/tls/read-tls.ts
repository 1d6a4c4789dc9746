import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { certificatesIn } from "#pkg/protocol/tls/pem.ts";
import type { TlsPaths } from "./tls-flags.ts";
import { systemAuthorities } from "./tls-flags.ts";

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
  const certificates: { certificate: X509Certificate; place: string }[] = [];
  const read = async (flag: string, path: string) => {
    const place = `${path} (-${flag})`;
    const pem = await textOf(place, path);
    for (const certificate of parseCertificates(place, pem)) {
      certificates.push({ certificate, place });
    }
    return pem;
  };
  const pair = own === undefined ? undefined : await readPair(own, await read("tls-cert", own.cert), certificates);
  const clients = clientCa === undefined ? undefined : await read("tls-client-ca", clientCa);
  const servers =
    ca === undefined
      ? undefined
      : ca === systemAuthorities
        ? ({ kind: "system" } as const)
        : ({ kind: "file", pem: await read("tls-ca", ca) } as const);
  return { own: pair, clientCa: clients, ca: servers, certificates };
}

async function readPair(
  own: { readonly cert: string; readonly key: string },
  cert: string,
  certificates: TlsTexts["certificates"],
): Promise<{ cert: string; key: string }> {
  const keyPlace = `${own.key} (-tls-key)`;
  const key = await textOf(keyPlace, own.key);
  const leaf = certificates[0]?.certificate;
  if (leaf?.checkPrivateKey(parseKey(keyPlace, key)) !== true) {
    throw wrong(
      `${keyPlace} is not the key to the certificate in ${own.cert}`,
      "the first certificate of the file is its own",
    );
  }
  if (leaf.validToDate.getTime() < Date.now()) {
    throw wrong(
      `the certificate in ${own.cert} (-tls-cert) has expired on ${leaf.validToDate.toISOString().slice(0, 10)}`,
      "renew it; dutserver cert does for those of its authority",
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw wrong(`${own.cert} (-tls-cert) and ${keyPlace} cannot be used: ${messageOf(error)}`, "make new ones", error);
  }
  return { cert, key };
}

async function textOf(place: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: "there is no such file", EACCES: "it may not be read", EISDIR: "it is a directory" }[
      code ?? ""
    ];
    throw wrong(`cannot read ${place}: ${why ?? messageOf(error)}`, undefined, error);
  }
}

function parseCertificates(place: string, pem: string): readonly X509Certificate[] {
  try {
    const certificates = certificatesIn(pem);
    if (certificates.length > 0) {
      return certificates;
    }
  } catch (error) {
    throw wrong(`${place} has a certificate that cannot be read: ${messageOf(error)}`, undefined, error);
  }
  throw wrong(`${place} has no certificate`, "it is to be text in PEM, which begins with -----BEGIN CERTIFICATE-----");
}

function parseKey(place: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    const hint = /ENCRYPTED/.test(pem)
      ? "it has a passphrase, and nobody is there to type it: openssl pkey -in FILE takes it away"
      : "it is to be text in PEM, which begins with -----BEGIN PRIVATE KEY-----";
    throw wrong(`${place} has no key that can be read`, hint, error);
  }
}

function wrong(message: string, hint?: string, cause?: unknown): DutError {
  return new DutError("invalid_argument", message, { ...(hint === undefined ? {} : { hint }), cause });
}
