import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";

/** Where state is kept. */
export type StoreSpec = { readonly kind: "sqlite"; readonly directory: string } | EtcdSpec;

export interface EtcdSpec {
  readonly kind: "etcd";
  /** Any of them will do; the first is tried first. */
  readonly members: readonly [Address, ...Address[]];
  /** Before every key, so that several labs can share an etcd. Begins and ends with a slash. */
  readonly prefix: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Undefined speaks in clear. */
  readonly tls: TlsFiles | undefined;
}

/** Paths of files in PEM. */
export interface TlsFiles {
  /** Undefined trusts the authorities of the system. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const etcdPort = 2379;

const form =
  "write etcd://[user[:password]@]host[:2379][,host…][/lab][?ca=FILE&cert=FILE&key=FILE], or etcds:// for TLS";

/**
 * Reads a directory, `sqlite:directory`, or `etcd://host:2379,host2:2379/lab`; a lab without a name is `dutctl`. User,
 * password and names of files are percent-encoded as in any URL. Throws invalid_argument, which never shows a password.
 */
export function parseStoreSpec(text: string): StoreSpec {
  if (!/^etcds?:/.test(text)) {
    const directory = text.replace(/^sqlite:/, "");
    if (directory === "") {
      throw new DutError("invalid_argument", `${quote(text)} names no directory`);
    }
    return { kind: "sqlite", directory };
  }
  const [, secure, userinfo = "", hosts, lab = "dutctl", query = ""] =
    /^etcd(s?):\/\/(?:([^@/?]*)@)?([^/?#@]+)(?:\/([^?#]*?)\/?)?(?:\?([^#]*))?$/.exec(text) ?? [];
  if (hosts === undefined) {
    throw invalid(text, "that is no URL of etcd");
  }
  const [user, password] = userinfo.split(/:(.*)/s).map((part) => decoded(part, text));
  const tls = tlsOf(query, text);
  const [first, ...others] = hosts
    .split(",")
    .map((host) => parseAddress(/:\d+$/.test(host) ? host : `${host}:${etcdPort}`));
  return {
    kind: "etcd",
    members: [first as Address, ...others],
    prefix: lab === "" ? "/dutctl/" : `/${decoded(lab, text)}/`,
    user: user === "" ? undefined : user,
    password,
    tls: secure === "s" || query !== "" ? tls : undefined,
  };
}

function tlsOf(query: string, text: string): TlsFiles {
  const parameters = new Map(new URLSearchParams(query));
  const taken = ["ca", "cert", "key"].map((name) => {
    const file = parameters.get(name);
    parameters.delete(name);
    return file;
  });
  const [unknown] = parameters.keys();
  if (unknown !== undefined) {
    throw invalid(text, `there is no parameter ${quote(unknown)}`);
  }
  const [ca, cert, key] = taken;
  if ((cert === undefined) !== (key === undefined)) {
    throw invalid(text, "a certificate needs its key, and a key its certificate");
  }
  return { ca, cert, key };
}

function decoded(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw invalid(text, "a % begins no character", error);
  }
}

function invalid(text: string, problem: string, cause?: unknown): DutError {
  const shown = text.replace(/\/\/.*@/s, "//…@");
  return new DutError("invalid_argument", `invalid store ${quote(shown)}: ${problem}`, { hint: form, cause });
}
