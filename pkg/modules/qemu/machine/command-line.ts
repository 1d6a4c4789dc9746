import { join } from "node:path";
import { renderForward } from "../forward.ts";
import { type QemuPlan, runDirectory } from "../options.ts";
import { architectureOf, hasPci } from "./architectures.ts";

export const monitorSocket = (plan: QemuPlan) => join(runDirectory(plan), "monitor");

export const tpmSocket = (plan: QemuPlan) => join(runDirectory(plan), "tpm");

/** The argument that tells the QEMU of this board from all others. */
export const qemuMark = (plan: QemuPlan) => `socket,id=monitor,path=${monitorSocket(plan)}`;

/** What is only known when the board is switched on. */
export interface Surroundings {
  /** The device that is the board's serial port. */
  readonly device: string;
  readonly accelerator: "kvm" | "tcg";
  readonly disk: "attached" | "missing";
  readonly firmware: { readonly code: string; readonly variables: string } | undefined;
}

/** No file of a user's is read, nothing is started and no privilege is gained, however the board behaves (qemu(1), -sandbox). */
export const confinement: readonly string[] = [
  "-no-user-config",
  "-nodefaults",
  "-display",
  "none",
  "-sandbox",
  "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
];

/** The processor for KVM is the computer's own: QEMU's default for it misses what current systems need. */
export function processorOf({ arch, cpu }: Pick<QemuPlan, "arch" | "cpu">, accelerator: "kvm" | "tcg") {
  return cpu ?? (accelerator === "kvm" ? "host" : architectureOf(arch).cpu);
}

/** QEMU's arguments. No value of an option becomes an argument of its own but those of the option `arguments`. */
export function qemuArguments(
  plan: QemuPlan,
  { device, accelerator, disk, firmware }: Surroundings,
): readonly string[] {
  const { screen, tpm } = architectureOf(plan.arch);
  const { machine, kernel, initrd, append } = plan;
  return [
    ...confinement,
    ...given("-machine", machine),
    "-accel",
    accelerator,
    ...given("-cpu", processorOf(plan, accelerator)),
    "-smp",
    String(plan.cpus),
    "-m",
    plan.memory,
    "-chardev",
    qemuMark(plan),
    "-mon",
    "chardev=monitor,mode=control",
    "-chardev",
    `serial,id=console,path=${device}`,
    "-serial",
    "chardev:console",
    ...(machine !== undefined && hasPci(machine) ? screen : []),
    ...(firmware === undefined ? [] : [...pflash(0, firmware.code, "on"), ...pflash(1, firmware.variables, "off")]),
    ...(disk === "attached"
      ? ["-drive", `if=${plan.interface},format=${plan.format},file=${withDoubledCommas(plan.disk)}`]
      : []),
    ...given("-kernel", kernel),
    ...given("-initrd", initrd),
    ...given("-append", append),
    ...(plan.tpm
      ? [
          "-chardev",
          `socket,id=tpm,path=${tpmSocket(plan)}`,
          "-tpmdev",
          "emulator,id=tpm,chardev=tpm",
          "-device",
          `${tpm},tpmdev=tpm`,
        ]
      : []),
    "-nic",
    plan.network ? network(plan) : "none",
    ...plan.arguments,
  ];
}

function network({ nic, restrict, forwards }: QemuPlan): string {
  return [
    `user,model=${nic},restrict=${restrict ? "on" : "off"}`,
    ...forwards.map((forward) => `hostfwd=${renderForward(forward)}`),
  ].join(",");
}

function pflash(unit: number, file: string, readonly: "on" | "off"): readonly string[] {
  return ["-drive", `if=pflash,unit=${unit},format=raw,readonly=${readonly},file=${withDoubledCommas(file)}`];
}

/** In a list of properties a comma ends a value and two are one. */
const withDoubledCommas = (path: string) => path.replaceAll(",", ",,");

const given = (flag: string, value: string | undefined) => (value === undefined ? [] : [flag, value]);
