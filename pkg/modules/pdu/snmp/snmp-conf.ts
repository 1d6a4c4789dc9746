import type { SnmpOptions } from "./snmp-options.ts";

/** Who asks, in the words of snmp.conf(5). */
export function renderSnmpConf(
  { version, community, auth, priv, privpassword }: SnmpOptions,
  { user, password }: { readonly user: string | undefined; readonly password: string | undefined },
): string {
  const facts: readonly (readonly [string, string | undefined])[] =
    version === "3"
      ? [
          ["defVersion", version],
          ["defSecurityName", quoted(user)],
          ["defSecurityLevel", privpassword === undefined ? "authNoPriv" : "authPriv"],
          ["defAuthType", auth],
          ["defAuthPassphrase", quoted(password)],
          ["defPrivType", privpassword && priv],
          ["defPrivPassphrase", quoted(privpassword)],
        ]
      : [
          ["defVersion", version],
          ["defCommunity", quoted(community)],
        ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}\n`])).join("");
}

/** Texts may hold blanks and number signs then; a backslash takes their meaning from quotes and itself. Words are not taken in quotes. */
const quoted = (text: string | undefined) => text && `"${text.replace(/[\\"]/g, "\\$&")}"`;
