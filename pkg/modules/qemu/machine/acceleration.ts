import { addAbortListener } from "node:events";
import { DutError } from "#pkg/errors/dut-error.ts";
import { formatDuration } from "#pkg/golang/duration.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Processes } from "#pkg/host/processes.ts";
import { askTool } from "../../tool/ask-tool.ts";
import { endedWell } from "../../tool/ended-badly.ts";
import type { QemuPlan } from "../options.ts";
import { architectureOf, programOf } from "./architectures.ts";
import { confinement, processorOf } from "./command-line.ts";

export interface Acceleration {
  readonly kind: "kvm" | "tcg";
  /** For the user: which it is and why. */
  readonly why: string;
}

/**
 * Many times what the test guest takes without KVM (0.1 to 0.3 s). A KVM that is itself emulated, as in a nested virtual
 * machine, may run it in 3 s and hang in a kernel.
 */
const probeLimitMs = 1500;

const tooSlow = `KVM did not run a test guest within ${formatDuration(probeLimitMs)}`;

/** Why KVM does not run guests like this one, or how fast it does: asked once for each kind of guest and host. */
const probesOf = new WeakMap<Host, Map<string, Promise<Probe>>>();

type Probe = { readonly works: true; readonly ms: number } | { readonly works: false; readonly reason: string };

type Guest = Pick<QemuPlan, "arch" | "machine" | "cpu" | "accel">;

/**
 * Throws failed_precondition when the options insist on KVM and it does not work, and the signal's reason as soon as it
 * aborts: what was asked goes on for who asks next.
 */
export async function chooseAcceleration(guest: Guest, host: Host, signal: AbortSignal): Promise<Acceleration> {
  if (guest.accel === "tcg") {
    return { kind: "tcg", why: "emulated (tcg), as the option accel says" };
  }
  const { promise: given, reject } = Promise.withResolvers<never>();
  using _listening = addAbortListener(signal, () => reject(signal.reason));
  const probe = await Promise.race([probeOnce(guest, host), given]);
  if (probe.works) {
    return { kind: "kvm", why: `accelerated by KVM, which ran a test guest in ${formatDuration(probe.ms)}` };
  }
  if (guest.accel === "kvm") {
    throw new DutError("failed_precondition", `KVM does not work: ${probe.reason}`, {
      hint: "set the option accel to auto or tcg, or let the agent use /dev/kvm (group kvm)",
    });
  }
  return { kind: "tcg", why: `emulated (tcg): ${probe.reason}` };
}

function probeOnce(guest: Guest, host: Host): Promise<Probe> {
  const probes = probesOf.get(host) ?? new Map<string, Promise<Probe>>();
  probesOf.set(host, probes);
  const key = JSON.stringify([guest.arch, guest.machine, guest.cpu]);
  const known = probes.get(key) ?? probeKvm(guest, host);
  probes.set(key, known);
  // A QEMU that could not be started tells nothing of KVM.
  known.catch(() => probes.delete(key));
  return known;
}

/**
 * A guest with nothing to boot: its firmware (SeaBIOS) starts, finds nothing, asks for a reset, and QEMU ends. Whether
 * /dev/kvm is there tells nothing.
 */
async function probeKvm(guest: Guest, { processes }: Host): Promise<Probe> {
  if (architectureOf(guest.arch).kvmOn !== process.arch) {
    return { works: false, reason: `KVM is not tried for ${guest.arch} on this computer` };
  }
  const probe = await runTestGuest(guest, processes);
  // The first one may have waited for QEMU and its libraries to come from a slow disk.
  return probe ?? (await runTestGuest(guest, processes)) ?? { works: false, reason: tooSlow };
}

/** Undefined when it was too slow. */
async function runTestGuest(guest: Guest, processes: Processes): Promise<Probe | undefined> {
  const began = performance.now();
  const limit = AbortSignal.timeout(probeLimitMs);
  const args = [
    ...confinement,
    ...(guest.machine === undefined ? [] : ["-machine", guest.machine]),
    "-accel",
    "kvm",
    "-cpu",
    processorOf(guest, "kvm") as string,
    "-m",
    "64M",
    "-boot",
    "strict=on,reboot-timeout=0",
    "-no-reboot",
  ];
  try {
    const program = programOf(guest.arch);
    const { status, stderr } = await askTool(processes, "qemu", { program, args, signal: limit, endWith: "SIGKILL" });
    if (endedWell(status)) {
      return { works: true, ms: Math.round(performance.now() - began) };
    }
    const how = status.kind === "exited" ? `status ${status.code}` : status.signal;
    const [said = "nothing"] = stderr.trim().split("\n");
    return { works: false, reason: `KVM did not run a test guest: ${how}, ${said}` };
  } catch (error) {
    if (!limit.aborted) {
      throw error;
    }
    return undefined;
  }
}
