import { DutError } from "#pkg/errors/dut-error.ts";
import type { Flags } from "#pkg/golang/flags.ts";
import type { FlagValues } from "../daemon-command.ts";

/** The flags of a daemon that say where its certificates are. */
export const tlsFlags = {
  "tls-cert": {
    kind: "string",
    value: "file",
    summary: "speak TLS, with this certificate and what leads to its authority",
  },
  "tls-key": { kind: "string", value: "file", summary: "the key to that certificate" },
  "tls-client-ca": {
    kind: "string",
    value: "file",
    summary: "let in only clients with a certificate of these authorities",
  },
  "tls-ca": {
    kind: "string",
    value: "file",
    summary: "speak TLS to servers whose certificates are of these authorities; system for those of this computer",
  },
} as const satisfies Flags;

/** The files that the flags name. */
export interface TlsPaths {
  readonly own: { readonly cert: string; readonly key: string } | undefined;
  readonly clientCa: string | undefined;
  /** Undefined speaks to servers in the clear. */
  readonly ca: string | undefined;
}

/** As a value of -tls-ca: whom the computer trusts. */
export const systemAuthorities = "system";

/** Throws invalid_argument for flags that go together and do not come together. An empty value counts as none. */
export function parseTls(values: FlagValues): TlsPaths {
  const [cert, key, clientCa, ca] = (["tls-cert", "tls-key", "tls-client-ca", "tls-ca"] as const).map((name) =>
    (values[name] ?? "") === "" ? undefined : String(values[name]),
  );
  if ((cert === undefined) !== (key === undefined)) {
    throw new DutError("invalid_argument", "flags -tls-cert and -tls-key go together", {
      hint: "a certificate is of no use without its key",
    });
  }
  const own = cert === undefined || key === undefined ? undefined : { cert, key };
  if (clientCa !== undefined && own === undefined) {
    throw new DutError("invalid_argument", "flag -tls-client-ca needs -tls-cert and -tls-key", {
      hint: "clients show certificates to who shows one",
    });
  }
  return { own, clientCa, ca };
}
