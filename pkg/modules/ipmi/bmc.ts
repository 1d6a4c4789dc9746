import { setTimeout } from "node:timers/promises";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { askTool } from "../tool/ask-tool.ts";
import { endedWell } from "../tool/ended-badly.ts";
import { excerpt } from "../tool/excerpt.ts";
import { bmcFault, noSession, noSuite } from "./bmc-fault.ts";
import type { IpmiOptions } from "./options.ts";

/** What `ipmitool power` can be asked for. */
export type Control = "on" | "off" | "soft" | "cycle" | "reset";

/** A BMC at the other end of ipmitool. Each request is a session of its own and takes no longer than the option `timeout`. */
export interface Bmc {
  power(signal: AbortSignal): Promise<"on" | "off">;
  /** Resolves when the BMC has accepted it, which does not mean that it has happened. */
  control(verb: Control, signal: AbortSignal): Promise<void>;
}

/** Sessions that fail before anything is asked are tried again: BMCs have few of them, and forget to free them. */
const attempts = 3;

const pauseMs = 500;

/**
 * With SHA-256, and with SHA-1 for BMCs that do not have the former and say so at once. Left to itself ipmitool asks for
 * a list first, which costs 10 seconds where that question is not answered.
 */
const suites = [17, 3] as const;

/** `ipmitool` leaves at SIGTERM; one that hangs is killed after this. */
const toolGraceMs = 1_000;

/** Sends a packet three times, a second apart and then more. ipmitool does so with the command too. */
const repeated = ["-N", "1", "-R", "3"];

/** Sends each packet once: a BMC whose answer was lost would do a second time what is not the same twice. */
const sentOnce = ["-N", "3", "-R", "1"];

const notTheSameTwice: ReadonlySet<Control> = new Set(["soft", "cycle", "reset"]);

export function ipmitoolBmc(program: string, processes: Processes, options: IpmiOptions): Bmc {
  const timeoutMs = parseDuration(options.timeout);

  let suite = options.cipher ?? suites[0];

  async function askOnce(words: readonly string[], sending: readonly string[], signal: AbortSignal): Promise<string> {
    const { stdout, stderr, status } = await askTool(processes, "ipmitool", {
      program,
      args: [...sessionArgs(options, suite), ...sending, ...words],
      env: { IPMITOOL_PASSWORD: options.password },
      graceMs: toolGraceMs,
      signal,
    });
    if (!endedWell(status)) {
      throw bmcFault(options, status, stderr);
    }
    return stdout;
  }

  async function askWithSuite(words: readonly string[], sending: readonly string[], signal: AbortSignal) {
    try {
      return await askOnce(words, sending, signal);
    } catch (error) {
      if (!noSuite(error) || options.cipher !== undefined || suite !== suites[0]) {
        throw error;
      }
      suite = suites[1];
      return await askOnce(words, sending, signal);
    }
  }

  async function ask(words: readonly string[], sending: readonly string[], signal: AbortSignal): Promise<string> {
    const limit = AbortSignal.timeout(timeoutMs);
    const bounded = AbortSignal.any([signal, limit]);
    for (let attempt = 1; ; attempt++) {
      try {
        return await askWithSuite(words, sending, bounded);
      } catch (error) {
        signal.throwIfAborted();
        if (limit.aborted) {
          throw silent(options);
        }
        if (attempt === attempts || !noSession(error)) {
          throw error;
        }
      }
      await setTimeout(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  return {
    async power(signal) {
      const answer = await ask(["power", "status"], repeated, signal);
      const [, state] = /^Chassis Power is (on|off)$/m.exec(answer) ?? [];
      if (state !== "on" && state !== "off") {
        throw new DutError("data_loss", `ipmitool gave no power status but ${quote(excerpt(answer.trim()))}`);
      }
      return state;
    },
    async control(verb, signal) {
      await ask(["power", verb], notTheSameTwice.has(verb) ? sentOnce : repeated, signal);
    },
  };
}

/** What is said of a session shows only with `-v`. The password is in the environment: the command line is everybody's to read. */
function sessionArgs({ interface: kind, host, port, user, privilege }: IpmiOptions, suite: number): readonly string[] {
  return [
    "-v",
    ...["-I", kind],
    ...["-H", host],
    ...["-p", String(port)],
    ...["-U", user],
    ...["-L", privilege.toUpperCase()],
    "-E",
    ...(kind === "lan" ? [] : ["-C", String(suite)]),
  ];
}

function silent({ host, port, timeout }: IpmiOptions): DutError {
  const limit = formatDuration(parseDuration(timeout));
  return new DutError("deadline_exceeded", `BMC ${host}:${port} did not answer within ${limit}`, {
    hint: "is it reachable from the agent, is IPMI over LAN on, and is the port right? what was asked may have arrived",
  });
}
