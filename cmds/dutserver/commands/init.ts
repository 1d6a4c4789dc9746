import { hostname } from "node:os";
import { hostNames } from "#pkg/auth/alternative-names.ts";
import { authorityFiles, createAuthority, filesOf, issueInto } from "#pkg/auth/authority/authority-files.ts";
import { holderOfHost, parseHost } from "#pkg/auth/authority/names.ts";
import { type Flags, parseFlags } from "#pkg/golang/flags.ts";
import { daysOf, defaultDirectory, directoryFlag } from "./cert.ts";

const flags = {
  dir: directoryFlag,
  force: { kind: "boolean", summary: "move the directory of an earlier authority aside and begin anew" },
} as const satisfies Flags;

/**
 * `dutserver init [-dir DIR] [-force] [host…]`: an authority and a server certificate for a lab that has none. Resolves with
 * what to tell. Throws invalid_argument, and already_exists where there is an authority.
 */
export async function init(args: readonly string[]): Promise<string> {
  const { values, positionals } = parseFlags(args, flags);
  const { dir: directory = defaultDirectory, force: anew = false } = values;
  const given = positionals.map(parseHost);
  const hosts = given.length > 0 ? given : [...new Set([hostname().toLowerCase(), "localhost", "127.0.0.1", "::1"])];
  const [first = "localhost"] = hosts;
  const name = holderOfHost(first);
  const { certificate, movedTo } = await createAuthority(directory, `dutctl authority (${name})`.slice(0, 64), {
    anew,
    now: new Date(),
  });
  const server = await issueInto(directory, { role: "server", name, hosts, days: daysOf.server });
  const authority = authorityFiles(directory);
  const where = directory === defaultDirectory ? "" : ` -dir ${directory}`;
  const example = filesOf(directory, "user", "NAME");
  return `${movedTo === undefined ? "" : `moved what was there to ${movedTo}\n`}wrote to ${directory}:
  ${authority.cert}: the authority; everybody needs it, and anybody may see it
  ${authority.key}: its key; who has it makes users, agents and servers: keep it from everybody, best offline
  ${server.cert} and ${server.key}: this server as ${hostNames(server.certificate).join(", ")},
    until ${dayOf(server.certificate.validToDate)}; dutserver cert server${where} ${name} renews it

the authority's SHA-256 fingerprint, to compare where its file arrives:
  ${certificate.fingerprint256}

next, the server itself:
  dutserver -s :1024 -tls-cert ${server.cert} -tls-key ${server.key} -tls-client-ca ${authority.cert}
and a certificate for each bench computer and each user (${example.cert}):
  dutserver cert agent${where} NAME
  dutserver cert user${where} NAME
`;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
