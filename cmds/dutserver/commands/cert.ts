import { basename } from "node:path";
import { hostNames } from "#pkg/auth/alternative-names.ts";
import { authorityFiles, issueInto, type Written } from "#pkg/auth/authority/authority-files.ts";
import { parseHolder, parseHost } from "#pkg/auth/authority/names.ts";
import { keyFingerprint } from "#pkg/auth/fingerprint.ts";
import { type Role, roles } from "#pkg/auth/peer.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Flags, parseFlags } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";

/** Where an authority is kept unless -dir says otherwise. */
export const defaultDirectory = "tls";

export const directoryFlag = {
  kind: "string",
  value: "directory",
  summary: "where the authority is kept",
  default: `"${defaultDirectory}"`,
} as const;

/** How long certificates are valid, in days: a user's laptop is lost sooner than a bench is visited. */
export const daysOf = { user: 365, agent: 730, server: 730 } as const satisfies Readonly<Record<Role, number>>;

const mostDays = 3650;

const flags = {
  dir: directoryFlag,
  days: { kind: "string", value: "number", summary: "how long it is valid", default: "365 for users, else 730" },
  host: { kind: "list", value: "name", summary: "name or address it is reached by; may be given several times" },
} as const satisfies Flags;

const certUsage = "cert agent|user|server [-dir directory] [-days number] [-host name]... NAME";

interface CertRequest {
  readonly role: Role;
  readonly name: string;
  readonly directory: string;
  readonly days: number;
  readonly hosts: readonly string[] | undefined;
}

/**
 * `dutserver cert agent|user|server NAME`: a certificate of the authority, or a new one for a key that has one already.
 * Resolves with what to tell. Throws invalid_argument and what `issueInto` throws.
 */
export async function cert(args: readonly string[]): Promise<string> {
  const request = parseCert(args);
  const written = await issueInto(request.directory, request);
  const { certificate, renewed } = written;
  const hosts = hostNames(certificate);
  return `${renewed ? "renewed" : "wrote"} ${written.cert}, valid until ${certificate.validToDate.toISOString().slice(0, 10)}, for ${request.role} ${request.name}${hosts.length > 0 ? ` at ${hosts.join(", ")}` : ""}
  with the key ${written.key} (${keyFingerprint(certificate)})
${adviceFor(request, written)}`;
}

/** Flags may stand before and behind the name. */
function parseCert([role = "", ...args]: readonly string[]): CertRequest {
  if (!isRole(role)) {
    throw usage(role === "" ? "a certificate for whom?" : `unknown kind of certificate ${quote(role)}`);
  }
  const before = parseFlags(args, flags);
  const [name, ...rest] = before.positionals;
  const behind = parseFlags(rest, flags);
  if (name === undefined || behind.positionals.length > 0) {
    throw usage(name === undefined ? "a certificate needs a name" : "a certificate has one name");
  }
  const values = { ...before.values, ...behind.values };
  const hosts = [...(before.values.host ?? []), ...(behind.values.host ?? [])].map(parseHost);
  if (role === "user" && hosts.length > 0) {
    throw new DutError("invalid_argument", "nobody connects to a user: -host is for agents and servers");
  }
  return {
    role,
    name: parseHolder(role, name),
    directory: values.dir ?? defaultDirectory,
    days: values.days === undefined ? daysOf[role] : parseDays(values.days),
    hosts: hosts.length > 0 ? hosts : undefined,
  };
}

function isRole(word: string): word is Role {
  return (roles as readonly string[]).includes(word);
}

function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d+$/.test(text) || days < 1 || days > mostDays) {
    throw new DutError("invalid_argument", `invalid value ${quote(text)} for flag -days: must be 1 to ${mostDays}`);
  }
  return days;
}

function usage(message: string): DutError {
  return new DutError("invalid_argument", message, { hint: `dutserver ${certUsage}` });
}

/** What to do with the files. */
function adviceFor({ role, directory }: CertRequest, { cert: file, key, renewed }: Written): string {
  const { cert: authority } = authorityFiles(directory);
  if (renewed) {
    return `put the certificate in the place of the one before${role === "user" ? "" : ", and tell the program: kill -HUP PID"}\n`;
  }
  switch (role) {
    case "user":
      return `bring both and ${authority} to the user by a way that nobody else reads; there, in their folder:
  dutctl config set lab server=SERVER:1024 tls-ca=${basename(authority)} tls-cert=${basename(file)} tls-key=${basename(key)}
`;
    case "agent":
      return `bring both and ${authority} to the bench by a way that nobody else reads; there, in their folder:
  dutagent -server SERVER:1024 -tls-ca ${basename(authority)} -tls-cert ${basename(file)} -tls-key ${basename(key)}
`;
    case "server":
      return `next:
  dutserver -s :1024 -tls-cert ${file} -tls-key ${key} -tls-client-ca ${authority}
`;
  }
}
