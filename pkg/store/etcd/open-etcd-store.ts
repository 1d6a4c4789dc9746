import { type NamedFile, readCertificates, readPair } from "#pkg/auth/pem-files.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import type { Store } from "../store.ts";
import type { EtcdSpec, TlsFiles } from "../store-spec.ts";
import { EtcdStore } from "./etcd-store.ts";

export interface OpenEtcdOptions {
  readonly log: Log;
  /** In the place of the password in the address, which other users of the machine may see. */
  readonly password: string | undefined;
}

/**
 * The store in an etcd, once that takes changes. Throws unavailable with its addresses when no member answers,
 * permission_denied when it refuses the user, resource_exhausted when it has no space, and invalid_argument for files
 * of TLS that cannot be read or a user without a password.
 */
export async function openEtcdStore(
  spec: EtcdSpec,
  { log, password = spec.password }: OpenEtcdOptions,
): Promise<Store> {
  const { members, prefix, user } = spec;
  if (user !== undefined && password === undefined) {
    throw new DutError("invalid_argument", `there is no password for the user ${JSON.stringify(user)} of etcd`, {
      hint: "put it into DUTSERVER_ETCD_PASSWORD",
    });
  }
  const credentials = user === undefined || password === undefined ? undefined : { name: user, password };
  await using opened = new AsyncDisposableStack();
  const tls = spec.tls && (await readTls(spec.tls));
  const store = opened.use(new EtcdStore({ members, prefix, tls, credentials, log }));
  await store.probe();
  opened.move();
  return store;
}

async function readTls({ ca, cert, key }: TlsFiles): Promise<ClientTls> {
  const named = (path: string) => ({ path, place: "of the store" });
  return {
    ca: ca === undefined ? undefined : (await readCertificates(named(ca))).pem,
    own: cert === undefined || key === undefined ? undefined : await ownPair(named(cert), named(key)),
  };
}

async function ownPair(certificate: NamedFile, keyFile: NamedFile): Promise<ClientTls["own"]> {
  const { pem, key } = await readPair(certificate, keyFile);
  return { cert: pem, key };
}
