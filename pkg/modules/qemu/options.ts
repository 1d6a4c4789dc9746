import { join, resolve } from "node:path";
import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { durationOption } from "../options/duration-option.ts";
import { bytesOf, sizeOption } from "../options/size-option.ts";
import type { BoardPlan } from "../virtual-board/board-design.ts";
import { type Forward, forwardOption, parseForward } from "./forward.ts";
import { type ArchitectureName, architectureOf, architectures } from "./machine/architectures.ts";

const path = z.string().min(1);

/** What QEMU takes after a name are properties; commas can add no more than these. */
const property = String.raw`(,[\w.-]+=[\w.+/-]+)*`;

export const qemuOptions = z
  .strictObject({
    state: path.describe("directory that is this board's alone; made when it is missing"),
    arch: z
      .enum(Object.keys(architectures) as [ArchitectureName, ...ArchitectureName[]])
      .default("x86_64")
      .describe("architecture: the program is `qemu-system-<arch>`"),
    machine: z
      .string()
      .regex(new RegExp(String.raw`^[a-zA-Z0-9][\w.-]*${property}$`), "expected a machine such as q35 or virt")
      .optional()
      .describe(
        "machine of QEMU, with its properties; default `q35` for x86, `virt` for ARM and RISC-V, otherwise QEMU's",
      ),
    cpu: z
      .string()
      .regex(/^[a-zA-Z0-9][\w.-]*(,[+-]?[\w.-]+(=[\w.+/-]+)?)*$/, "expected a processor such as host or cortex-a72")
      .optional()
      .describe("processor; default `host` with KVM, otherwise `max` for x86 and ARM and QEMU's own for others"),
    cpus: z.int().min(1).max(255).default(1).describe("how many processors"),
    memory: sizeOption().default("256M").describe("the board's memory"),
    disk: path.optional().describe("the board's disk; default `disk.img` in the state directory"),
    format: z.enum(["raw", "qcow2"]).default("raw").describe("format of the disk, and of what `flash` takes"),
    interface: z
      .string()
      .regex(/^[a-z]+$/, "expected an interface such as virtio, ide or sd")
      .default("virtio")
      .describe("how the disk is attached: `virtio`, `ide`, `scsi`, `sd`, `mtd`"),
    kernel: path.optional().describe("kernel to boot without a boot loader"),
    initrd: path.optional().describe("initial RAM disk of that kernel"),
    append: z.string().optional().describe("command line of that kernel"),
    uefi: z.boolean().default(false).describe("boot with UEFI firmware and variables of this board's own"),
    tpm: z.boolean().default(false).describe("give the board a TPM 2.0"),
    console: path.optional().describe("symbolic link to the serial console; default `console` in the state directory"),
    network: z.boolean().optional().describe("a network card on QEMU's user network; default only with `forwards`"),
    nic: z
      .string()
      .regex(/^[a-z0-9][\w.-]*$/, "expected a model such as virtio-net-pci or e1000e")
      .default("virtio-net-pci")
      .describe("model of the network card"),
    restrict: z.boolean().default(false).describe("the board reaches nothing, only the forwards reach it"),
    forwards: z
      .array(forwardOption())
      .default([])
      .describe("ports that lead to the board: `tcp:127.0.0.1:2222-:22`, the address is 127.0.0.1 when left out"),
    arguments: z.array(z.string()).default([]).describe("further arguments of QEMU, after the module's own"),
    accel: z
      .enum(["auto", "kvm", "tcg"])
      .default("auto")
      .describe("`kvm`, emulation (`tcg`), or KVM where it is found to work"),
    limit: sizeOption().default("8G").describe("the largest image that `flash` takes, also after unpacking"),
    grace: durationOption().default("10s").describe("how long `off` waits for an orderly end"),
  })
  .check(({ value, issues }) => {
    const problem = (option: string, message: string) =>
      issues.push({ code: "custom", path: [option], message, input: value });
    if (value.kernel === undefined && value.initrd !== undefined) {
      problem("initrd", "it needs the option kernel");
    }
    if (value.kernel === undefined && value.append !== undefined) {
      problem("append", "it needs the option kernel");
    }
    if (value.network === false && value.forwards.length > 0) {
      problem("forwards", "they need a network, which the option network denies");
    }
    for (const device of ["uefi", "tpm"] as const) {
      if (value[device] && architectureOf(value.arch)[device] === undefined) {
        problem(device, `it is not known for ${value.arch}; see the option arguments`);
      }
    }
  });

export type QemuOptions = z.output<typeof qemuOptions>;

/** Every default filled in that does not depend on the agent's computer. */
export interface QemuPlan extends BoardPlan {
  readonly arch: ArchitectureName;
  readonly machine: string | undefined;
  readonly cpu: string | undefined;
  readonly cpus: number;
  readonly memory: string;
  readonly format: "raw" | "qcow2";
  readonly interface: string;
  /** Without its disk the board does not boot. */
  readonly needsDisk: boolean;
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  readonly uefi: boolean;
  readonly tpm: boolean;
  readonly network: boolean;
  readonly nic: string;
  readonly restrict: boolean;
  readonly forwards: readonly Forward[];
  readonly arguments: readonly string[];
  readonly accel: "auto" | "kvm" | "tcg";
}

/** The longest path of a unix socket (unix(7)), less what follows the state directory. */
const longestState = 107 - "/run/monitor".length;

/** Throws invalid_argument for a path that cannot carry the board's sockets. */
export function planBoard(options: QemuOptions): QemuPlan {
  const { disk, kernel, initrd, machine, uefi } = options;
  const state = resolve(options.state);
  if (/[,\p{Cc}]/u.test(state)) {
    throw new DutError(
      "invalid_argument",
      `option state: the path ${JSON.stringify(state)} has a comma or a control character`,
      {
        hint: "choose another directory",
      },
    );
  }
  if (Buffer.byteLength(state) > longestState) {
    throw new DutError("invalid_argument", `option state: ${state} is longer than ${longestState} bytes`, {
      hint: "choose a shorter path: the board's sockets are there",
    });
  }
  return {
    state,
    arch: options.arch,
    machine: machine ?? architectureOf(options.arch).machine,
    cpu: options.cpu,
    cpus: options.cpus,
    memory: options.memory,
    disk: resolve(disk ?? join(state, "disk.img")),
    format: options.format,
    interface: options.interface,
    needsDisk: disk !== undefined || (kernel === undefined && !uefi),
    kernel: kernel && resolve(kernel),
    initrd: initrd && resolve(initrd),
    append: options.append,
    uefi,
    tpm: options.tpm,
    console: resolve(options.console ?? join(state, "console")),
    network: options.network ?? options.forwards.length > 0,
    nic: options.nic,
    restrict: options.restrict,
    forwards: options.forwards.map(parseForward),
    arguments: options.arguments,
    accel: options.accel,
    limitBytes: bytesOf(options.limit),
    graceMs: parseDuration(options.grace),
  };
}

/** What only lives while the agent does: QEMU's sockets, a picture on its way. */
export const runDirectory = ({ state }: QemuPlan) => join(state, "run");
