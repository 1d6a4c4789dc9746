import { peerOfCertificate } from "#pkg/auth/peer.ts";
import { certificatesIn } from "#pkg/auth/pem.ts";
import { type NamedFile, type PemPair, readCertificates, readPair } from "#pkg/auth/pem-files.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { Setting } from "../settings.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** What secures a connection, and the name in the certificate that is shown. */
export interface ReadTls {
  readonly tls: ClientTls;
  readonly name: string | undefined;
}

/**
 * Reads the files that the settings name. Throws invalid_argument with the fault of one, and unauthenticated for authorities
 * that are not those that were remembered.
 */
export async function readTls({ trust, authority, cert, key }: TlsSettings): Promise<ReadTls> {
  const own = await readOwn(cert, key);
  if (trust === undefined) {
    throw new DutError("invalid_argument", `${cert?.place ?? key?.place} is of no use without tls-ca or tls`, {
      hint: "say whom to trust, or take the certificate away too: dutctl help tls",
    });
  }
  return {
    tls: {
      ca: trust.kind === "system" ? undefined : await readTrusted(trust.file, authority),
      own: own && { cert: own.pem, key: own.key },
    },
    name: own && peerOfCertificate(own.certificates[0]).name,
  };
}

async function readOwn(cert: Setting | undefined, key: Setting | undefined): Promise<PemPair | undefined> {
  if (cert !== undefined && key !== undefined) {
    return readPair(named(cert), named(key));
  }
  const alone = cert ?? key;
  if (alone !== undefined) {
    throw new DutError("invalid_argument", `${alone.place} is of no use alone`, {
      hint: "a certificate and its key go together",
    });
  }
  return undefined;
}

async function readTrusted(file: Setting, remembered: Setting | undefined): Promise<string> {
  const { pem } = await readCertificates(named(file));
  const found = fingerprintsIn(pem);
  if (remembered !== undefined && remembered.value !== found) {
    throw new DutError(
      "unauthenticated",
      `${file.value} has another authority than ${remembered.place} remembers: remembered is ${remembered.value}, found was ${found}`,
      { hint: `if the lab really has a new one: dutctl config set CONTEXT tls-ca=${file.value}` },
    );
  }
  return pem;
}

function named({ value, place }: Setting): NamedFile {
  return { path: value, place };
}

/** The fingerprints of all certificates in a text, in their order. */
function fingerprintsIn(pem: string): string {
  return certificatesIn(pem)
    .map(({ fingerprint256 }) => fingerprint256)
    .join(" ");
}

/** The fingerprints of the authorities in a file. Throws invalid_argument. */
export async function fingerprintsOf(file: Setting): Promise<string> {
  return fingerprintsIn((await readCertificates(named(file))).pem);
}
