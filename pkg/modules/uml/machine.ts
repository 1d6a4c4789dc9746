import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Host } from "#pkg/host/host.ts";
import type { ExitStatus, HostProcess } from "#pkg/host/processes.ts";
import { askTool } from "../tool/ask-tool.ts";
import { endedBadly, endedWell } from "../tool/ended-badly.ts";
import { findTool } from "../tool/find-tool.ts";
import { type BoardDesign, type Machine, switchedItselfOff } from "../virtual-board/board-design.ts";
import { requireDisk } from "../virtual-board/disk.ts";
import { lastWords } from "../virtual-board/last-words.ts";
import type { UmlPlan } from "./options.ts";

/** A kernel that cannot start at all has ended by then; one that boots takes longer to its first word. */
const stillbornMs = 300;

/** The name of the machine below the directory that the kernel keeps its socket in. */
const umid = "board";

/** Below the state directory. */
const runDirectory = (plan: UmlPlan) => join(plan.state, "run");

/** The argument that tells processes of this board from all others. */
const markOf = (plan: UmlPlan) => `uml_dir=${runDirectory(plan)}/`;

/** User-Mode Linux as a board. */
export function umlBoard(plan: UmlPlan): BoardDesign<Machine> {
  return {
    plan,
    marks: [markOf(plan)],
    leftovers: [runDirectory(plan)],
    startHint: "see the options kernel, memory and arguments",
    async check({ processes }) {
      await findTool(processes, plan.kernel, "user-mode-linux");
      await findTool(processes, "socat", "socat");
    },
    async start(device, { host }) {
      await requireDisk(plan.disk, host.files);
      return await startMachine(plan, device, host);
    },
  };
}

/** Boots a kernel on a serial device. Throws as `Processes.start` does. */
async function startMachine(plan: UmlPlan, device: string, { processes, files }: Host): Promise<Machine> {
  const stop = new AbortController();
  const process = await processes.start({
    program: plan.kernel,
    args: [
      `mem=${plan.memory}`,
      markOf(plan),
      `umid=${umid}`,
      `ubd0=${plan.disk}`,
      "root=/dev/ubda",
      "rw",
      "con=null",
      "ssl=null",
      `ssl0=tty:${device}`,
      "console=ttyS0",
      ...plan.arguments,
    ],
    signal: stop.signal,
    endWith: "SIGKILL",
  });
  const ended = howItEnded(process)
    .then((how) => (stop.signal.aborted ? "its power was cut" : how))
    .finally(() => files.remove(runDirectory(plan)));
  return {
    pid: process.pid,
    ended,
    started: setTimeout(stillbornMs),
    askToShutDown: (signal) => pressCtrlAltDelete(join(runDirectory(plan), umid, "mconsole"), processes, signal),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await process[Symbol.asyncDispose]();
    },
  };
}

async function howItEnded(process: HostProcess): Promise<string> {
  const [said, complained, status] = await Promise.all([
    lastWords(process.stdout),
    lastWords(process.stderr),
    process.exited,
  ]);
  return explainEnd(status, `${said}\n${complained}`);
}

function explainEnd(status: ExitStatus, output: string): string {
  if (endedWell(status)) {
    return switchedItselfOff;
  }
  if (status.kind === "exited" ? status.code === 134 : status.signal === "SIGABRT") {
    const [, reason] = /Kernel panic - not syncing: (.*)/.exec(output) ?? [];
    return reason === undefined ? "kernel panic" : `kernel panic: ${reason.trim()}`;
  }
  const how = status.kind === "exited" ? `the kernel ended with status ${status.code}` : `ended by ${status.signal}`;
  const words = output.split("\n").findLast((line) => line.trim() !== "" && !/\.\.\.\w|Adding \d+ bytes/.test(line));
  return status.kind === "exited" && words !== undefined ? `${how}: ${words.trim()}` : how;
}

/**
 * The request `cad` of the management console: magic 0xcafebabe, version 2, length, command (mconsole.h of the kernel,
 * little-endian), as a datagram, which Node cannot send.
 */
const request = String.raw`printf '\276\272\376\312\002\000\000\000\003\000\000\000cad' | socat -u STDIN "UNIX-SENDTO:$1"`;

async function pressCtrlAltDelete(socket: string, processes: Host["processes"], signal: AbortSignal) {
  const args = ["-c", request, "ctrl-alt-del", socket];
  const { status, stderr } = await askTool(processes, "socat", { program: "sh", args, signal });
  if (status.kind === "killed") {
    throw endedBadly("socat", status, stderr);
  }
  return status.code === 0 ? undefined : "the board's kernel does not listen yet";
}
