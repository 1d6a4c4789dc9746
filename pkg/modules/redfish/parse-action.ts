import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

const powerActions = ["on", "off", "soft", "cycle", "reset", "nmi"] as const;

export type PowerAction = (typeof powerActions)[number];

/** What users call a boot source, and what the schema ComputerSystem does. */
const bootSources = {
  pxe: "Pxe",
  disk: "Hdd",
  cd: "Cd",
  usb: "Usb",
  bios: "BiosSetup",
  none: "None",
} as const;

export type BootSource = (typeof bootSources)[keyof typeof bootSources];

/** An image that the service fetches itself. */
export interface RemoteImage {
  /** Without credentials. */
  readonly url: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

export type Action =
  | { readonly kind: "power"; readonly action: PowerAction }
  | { readonly kind: "status" | "info" | "eject" }
  | { readonly kind: "boot"; readonly source: BootSource; readonly persistent: boolean }
  | { readonly kind: "insert"; readonly image: RemoteImage };

const hint = `Available commands: ${powerActions.join(", ")}, status, info, boot, insert, eject`;

const bootHint = `use boot ${Object.keys(bootSources).join("|")} [-persistent]`;

/** Throws invalid_argument with what is available. */
export function parseAction([word, ...rest]: readonly string[]): Action {
  const verb = word?.toLowerCase();
  switch (verb) {
    case undefined:
      throw new DutError("invalid_argument", "no command specified", { hint });
    case "boot":
      return parseBoot(rest);
    case "insert":
      return parseInsert(rest);
    case "status":
    case "info":
    case "eject":
      takesNothing(verb, rest);
      return { kind: verb };
    default: {
      const action = powerActions.find((known) => known === verb);
      if (action === undefined) {
        throw new DutError("invalid_argument", `unknown command ${quote(word ?? "")}`, { hint });
      }
      takesNothing(action, rest);
      return { kind: "power", action };
    }
  }
}

function takesNothing(verb: string, rest: readonly string[]): void {
  if (rest.length > 0) {
    throw new DutError("invalid_argument", `${verb} takes no arguments but got ${quote(rest.join(" "))}`);
  }
}

function parseBoot(words: readonly string[]): Action {
  const persistent = words.includes("-persistent");
  const [source = "", ...more] = words.filter((word) => word !== "-persistent");
  const name = source.toLowerCase();
  if (!Object.hasOwn(bootSources, name) || more.length > 0) {
    throw new DutError("invalid_argument", `boot takes one source but got ${quote(words.join(" "))}`, {
      hint: bootHint,
    });
  }
  if (name === "none" && persistent) {
    throw new DutError("invalid_argument", "boot none takes no -persistent", { hint: bootHint });
  }
  return { kind: "boot", source: bootSources[name as keyof typeof bootSources], persistent };
}

/** The transfer protocols of the schema VirtualMedia that have URLs. */
const protocols = ["http:", "https:", "nfs:", "cifs:", "ftp:", "sftp:", "scp:", "tftp:"];

function parseInsert(words: readonly string[]): Action {
  const [text, ...more] = words;
  const url = text === undefined ? null : URL.parse(text);
  if (text === undefined || url === null || !protocols.includes(url.protocol) || url.host === "" || more.length > 0) {
    throw new DutError("invalid_argument", "insert takes the URL of one image", {
      hint: "the service fetches it itself, such as http://10.0.0.2/debian.iso or nfs://10.0.0.2/images/debian.iso",
    });
  }
  const { username, password } = url;
  if (username === "" && password === "") {
    return { kind: "insert", image: { url: text, user: undefined, password: undefined } };
  }
  url.username = "";
  url.password = "";
  try {
    return {
      kind: "insert",
      image: { url: url.href, user: decodeURIComponent(username), password: decodeURIComponent(password) },
    };
  } catch {
    // URIError: a percent sign that begins no byte.
    throw new DutError("invalid_argument", "the credentials in the URL of the image are badly written", {
      hint: "write a percent sign there as %25",
    });
  }
}
