import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ExitStatus } from "#pkg/host/processes.ts";
import { endedBadly } from "../tool/ended-badly.ts";
import type { IpmiOptions } from "./options.ts";

interface Meaning {
  readonly pattern: RegExp;
  readonly code: DutErrorCode;
  readonly words: (options: IpmiOptions, detail: string) => string;
  readonly hint: string;
}

const bmc = ({ host, port }: IpmiOptions) => `BMC ${host}:${port}`;

const connecting = (options: IpmiOptions) => `failed to connect to IPMI ${bmc(options)}`;

const notPermitted = "log in as a user of the privilege operator or administrator, and check the option privilege";

/** What ipmitool 1.8 prints, the more telling first: it ends most failures of a session with the same sentence. */
const meanings: readonly Meaning[] = [
  {
    pattern: /^Address lookup for .* failed/m,
    code: "not_found",
    words: (options) => `${connecting(options)}: nobody knows this name`,
    hint: "check the name, or use the IP address",
  },
  {
    pattern: /RAKP 2 HMAC is invalid|Activate Session (?:command failed|error:.*password)/i,
    code: "unauthenticated",
    words: (options) => `${connecting(options)}: the password of ${quote(options.user)} is wrong`,
    hint: "check the option password",
  },
  {
    pattern: /: unauthorized name|^Invalid user name/m,
    code: "unauthenticated",
    words: (options) => `${connecting(options)}: it has no user ${quote(options.user)}`,
    hint: "check the option user",
  },
  {
    pattern: /: (?:unauthorized|invalid) role|^Set Session Privilege Level to .* failed/m,
    code: "permission_denied",
    words: (options) => `${connecting(options)}: ${quote(options.user)} may not be ${options.privilege} there`,
    hint: notPermitted,
  },
  {
    pattern: /: (?:invalid (?:authentication|integrity|confidentiality) algorithm|no cipher suite match|no matching )/m,
    code: "unimplemented",
    words: (options) => `${connecting(options)}: it does not have cipher suite ${options.cipher ?? "17 or 3"}`,
    hint: "set the option cipher to one that it has",
  },
  {
    pattern: /^This BMC does not support IPMI v2/m,
    code: "failed_precondition",
    words: (options) => `${connecting(options)}: it does not speak IPMI 2.0`,
    hint: "set the option interface to lan",
  },
  {
    pattern: /^Set Chassis Power Control to .* failed: (Insufficient privilege.*)$/m,
    code: "permission_denied",
    words: (options, detail) => `${bmc(options)} refused: ${detail}`,
    hint: notPermitted,
  },
  {
    pattern: /^Set Chassis Power Control to .* failed: (.*)$/m,
    code: "failed_precondition",
    words: (options, detail) => `${bmc(options)} refused: ${detail}`,
    hint: "ask it for the status: not everything is possible in every state, or on every device",
  },
  {
    // A session stood, and the request or its answer was lost.
    pattern: /^Unable to (?:set Chassis Power Control to|get Chassis Power Status)/m,
    code: "deadline_exceeded",
    words: (options) => `${bmc(options)} gave no answer`,
    hint: "what was asked may have been done: ask for the status",
  },
  {
    pattern: /^Error: Unable to establish (?:IPMI|LAN)/m,
    code: "unavailable",
    words: (options) => `${connecting(options)}: it gave no session`,
    hint: "is it reachable from the agent, is IPMI over LAN on, and is the port right?",
  },
];

/** What an ipmitool that did not end well met. */
export function bmcFault(options: IpmiOptions, status: ExitStatus, said: string): DutError {
  for (const { pattern, code, words, hint } of meanings) {
    const found = pattern.exec(said);
    if (found !== null) {
      return new DutError(code, words(options, found[1] ?? ""), { hint, cause: new Error(said.trim()) });
    }
  }
  return endedBadly("ipmitool", status, said);
}

/** Whether the BMC does not have the cipher suite that it was asked for. */
export function noSuite(error: unknown): boolean {
  return error instanceof DutError && error.code === "unimplemented";
}

/** Whether a request ended before the BMC had heard it, for a reason that may pass. */
export function noSession(error: unknown): boolean {
  return error instanceof DutError && error.code === "unavailable";
}
