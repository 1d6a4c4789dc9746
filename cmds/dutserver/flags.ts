import { type Flags, parseFlags } from "#pkg/golang/flags.ts";
import { defaultLogLevel, logFlags } from "#pkg/program/daemon.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";

export interface Options {
  readonly listen: Address;
  readonly insecure: boolean;
  readonly logLevel: string;
  readonly logJson: boolean;
}

export type Invocation = { readonly name: "help" | "version" } | { readonly name: "serve"; readonly options: Options };

export const flags = {
  s: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
  insecure: { kind: "boolean", summary: "accept an address that other machines can reach, without any protection" },
  v: { kind: "boolean", summary: "print the version" },
  ...logFlags,
} as const satisfies Flags;

/** Reads a command line; positional arguments are ignored, as ever. Throws invalid_argument when an option is wrong. */
export function parseInvocation(argv: readonly string[]): Invocation {
  const { values } = parseFlags(argv, flags);
  if (values.help === true) {
    return { name: "help" };
  }
  if (values.v === true) {
    return { name: "version" };
  }
  return {
    name: "serve",
    options: {
      listen: parseAddress(String(values.s ?? "localhost:1024")),
      insecure: values.insecure === true,
      logLevel: String(values.log ?? defaultLogLevel),
      logJson: values["log-json"] === true,
    },
  };
}
