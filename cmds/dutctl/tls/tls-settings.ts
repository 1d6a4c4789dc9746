import { DutError } from "#pkg/errors/dut-error.ts";
import type { Address } from "#pkg/protocol/address.ts";
import type { Setting, Settings } from "../settings.ts";

/** How a connection is to be secured, as it was asked for. Nothing has been read yet. */
export interface TlsSettings {
  /** Whom to trust: the authorities in a file, or those of this computer. */
  readonly trust: { readonly kind: "file"; readonly file: Setting } | { readonly kind: "system" } | undefined;
  /** The fingerprints that the authorities in the file had when they were remembered. */
  readonly authority: Setting | undefined;
  readonly cert: Setting | undefined;
  readonly key: Setting | undefined;
}

interface GivenTls {
  readonly tls?: boolean;
  readonly "tls-ca"?: string;
  readonly "tls-cert"?: string;
  readonly "tls-key"?: string;
}

/**
 * Undefined where nobody asked for TLS, and for a unix socket. A flag goes before the settings; none takes away that a
 * context is secured. Throws invalid_argument.
 */
export function parseTlsSettings(
  given: GivenTls,
  settings: Settings,
  servers: readonly Address[],
): TlsSettings | undefined {
  const flag = (name: "tls-ca" | "tls-cert" | "tls-key"): Setting | undefined =>
    given[name] === undefined ? undefined : fileSetting({ value: given[name], place: `flag -${name}` });
  if (given.tls === true && given["tls-ca"] !== undefined) {
    throw new DutError("invalid_argument", "flags -tls and -tls-ca exclude each other", {
      hint: "-tls trusts whom this computer trusts, -tls-ca the authorities in a file",
    });
  }
  if (settings.tls !== undefined && settings.tls.value !== "true") {
    throw new DutError("invalid_argument", `invalid value for ${settings.tls.place}: must be true`);
  }
  const flagCa = flag("tls-ca");
  const file = flagCa ?? (given.tls === true ? undefined : settings["tls-ca"]);
  const system = given.tls === true || settings.tls !== undefined;
  const wanted: TlsSettings = {
    trust: file !== undefined ? { kind: "file", file } : system ? { kind: "system" } : undefined,
    authority: file !== undefined && flagCa === undefined ? settings.authority : undefined,
    cert: flag("tls-cert") ?? settings["tls-cert"],
    key: flag("tls-key") ?? settings["tls-key"],
  };
  const none = wanted.trust === undefined && wanted.cert === undefined && wanted.key === undefined;
  return none || servers.every(({ kind }) => kind === "unix") ? undefined : wanted;
}

function fileSetting(setting: Setting): Setting {
  if (setting.value === "") {
    throw new DutError("invalid_argument", `invalid value "" for ${setting.place}: must be the path of a file`);
  }
  return setting;
}
