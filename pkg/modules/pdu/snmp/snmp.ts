import { join } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Host } from "#pkg/host/host.ts";
import { askTool } from "../../tool/ask-tool.ts";
import { endedWell } from "../../tool/ended-badly.ts";
import { excerpt } from "../../tool/excerpt.ts";
import { findTool } from "../../tool/find-tool.ts";
import type { Outlet } from "../outlet.ts";
import type { Variables } from "./variables.ts";

/** A datagram may be lost: the tools ask so often within the time limit. */
const attempts = 3;

/** What a tool may take beyond its own time limits, to start and to say what it met. */
const toolSlackMs = 2000;

/** The tools leave at SIGTERM; one that hangs is killed after this, so that a stopped run can still put its outlet back. */
const toolGraceMs = 500;

interface SnmpUnit {
  /** As net-snmp takes it, such as `udp:10.0.0.5:161`. */
  readonly address: string;
  /** The content of a snmp.conf(5) with the secrets. */
  readonly conf: string;
  readonly timeoutMs: number;
}

/** An outlet by SNMP, with net-snmp's tools. Throws failed_precondition when they are missing. */
export async function openSnmp(unit: SnmpUnit, { write, read }: Variables, host: Host): Promise<Outlet> {
  const get = await findTool(host.processes, "snmpget", "snmp");
  const set = await findTool(host.processes, "snmpset", "snmp");
  return {
    async write(level, signal) {
      await ask({ program: set, words: [write.oid, "i", String(write.values[level])], unit, host, signal });
    },
    async read(signal) {
      const answer = (await ask({ program: get, words: [read.oid], unit, host, signal })).trim();
      const level = (["on", "off"] as const).find((known) => answer === String(read.values[known]));
      if (level === undefined) {
        throw /^No Such/.test(answer)
          ? new DutError("not_found", `the unit has no variable ${read.oid}`, {
              hint: "check the option outlet, which counts from 0, and the preset or OIDs",
            })
          : new DutError("data_loss", `unexpected value ${quote(excerpt(answer))} of the variable ${read.oid}`);
      }
      return level;
    },
  };
}

interface Question {
  readonly program: string;
  readonly words: readonly string[];
  readonly unit: SnmpUnit;
  readonly host: Host;
  readonly signal: AbortSignal;
}

/** The secrets are in a file of a directory that is this user's alone, for as long as the tool runs. */
async function ask({ program, words, unit, host, signal }: Question): Promise<string> {
  const { address, conf, timeoutMs } = unit;
  const limit = AbortSignal.timeout(timeoutMs + toolSlackMs);
  await using folder = await host.files.temporaryDirectory("snmp-");
  try {
    await host.files.writeText(join(folder.path, "snmp.conf"), conf);
    const { stdout, stderr, status } = await askTool(host.processes, program, {
      program,
      args: ["-t", String(timeoutMs / 1000 / attempts), "-r", String(attempts - 1), "-Oqv", address, ...words],
      graceMs: toolGraceMs,
      env: { SNMPCONFPATH: folder.path, SNMP_PERSISTENT_DIR: folder.path, MIBS: "" },
      signal: AbortSignal.any([signal, limit]),
    });
    if (!endedWell(status)) {
      throw fault(stderr.trim() === "" ? stdout : stderr, address);
    }
    return stdout;
  } catch (error) {
    signal.throwIfAborted();
    throw limit.aborted
      ? new DutError("deadline_exceeded", `${program} did not end within ${timeoutMs + toolSlackMs} ms`)
      : error;
  }
}

/** What net-snmp's tools say on their way out, in the words of snmpcmd(1) and of its library. */
function fault(said: string, address: string): DutError {
  if (/Timeout: No Response/i.test(said)) {
    return new DutError("deadline_exceeded", `${address} does not answer SNMP`, {
      hint: "is the unit on, its SNMP switched on, and the community right? a unit does not answer a wrong one",
    });
  }
  if (/Authentication failure|Unknown user name|authorizationError|Decryption error|usmStats/i.test(said)) {
    return new DutError("unauthenticated", `${address} refuses the SNMP credentials: ${reasonIn(said)}`, {
      hint: "check user, password, auth, privpassword and priv",
    });
  }
  if (/noAccess|notWritable|readOnly|noSuchName|noCreation/i.test(said)) {
    return new DutError("permission_denied", `${address} does not let the variable be written: ${reasonIn(said)}`, {
      hint: "may this community or user write, and is it the right outlet and preset?",
    });
  }
  return new DutError("failed_precondition", `SNMP request to ${address} failed: ${reasonIn(said)}`);
}

/** The reason is told in the middle, before what it is about; the folder for certificates, which is always made, is no reason. */
function reasonIn(said: string): string {
  const lines = said.split("\n").map((line) => line.trim());
  const telling = lines.filter((line) => line !== "" && !line.startsWith("Created directory:"));
  return excerpt(telling.find((line) => line.startsWith("Reason:")) ?? telling[0] ?? "it said nothing");
}
