import { DutError } from "#pkg/errors/dut-error.ts";
import { type Flags, parseFlags } from "#pkg/golang/flags.ts";
import { defaultLogLevel, logFlags } from "#pkg/program/daemon.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";

export interface Options {
  readonly listen: Address;
  readonly config: string;
  readonly insecure: boolean;
  readonly server: Address | undefined;
  readonly logLevel: string;
  readonly logJson: boolean;
}

export type Invocation =
  | { readonly name: "help" | "version" }
  | { readonly name: "serve" | "check-config" | "dry-run"; readonly options: Options };

export const flags = {
  a: {
    kind: "string",
    value: "address",
    summary: "listen here: host:port, [IPv6]:port or unix:/path",
    default: '"localhost:1024"',
  },
  c: { kind: "string", value: "path", summary: "configuration file", default: '"dutctl.yaml"' },
  "check-config": { kind: "boolean", summary: "only read and check the configuration" },
  "dry-run": { kind: "boolean", summary: "only open every module and close it again" },
  insecure: { kind: "boolean", summary: "accept an address that other machines can reach, without any protection" },
  server: { kind: "string", value: "address", summary: "register the devices with this dutserver" },
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
  const text = (name: keyof typeof flags, otherwise: string) => String(values[name] ?? otherwise);
  const server = text("server", "");
  const options: Options = {
    listen: address("a", text("a", "localhost:1024")),
    config: text("c", "dutctl.yaml"),
    insecure: values.insecure === true,
    server: server === "" ? undefined : address("server", server),
    logLevel: text("log", defaultLogLevel),
    logJson: values["log-json"] === true,
  };
  const name = values["check-config"] === true ? "check-config" : values["dry-run"] === true ? "dry-run" : "serve";
  return { name, options };
}

function address(flag: string, text: string): Address {
  try {
    return parseAddress(text);
  } catch (error) {
    throw error instanceof DutError
      ? new DutError(error.code, `invalid value for flag -${flag}: ${error.message}`, { hint: error.hint ?? "" })
      : error;
  }
}
