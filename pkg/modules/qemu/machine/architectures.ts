/** What is known of an architecture that QEMU has a program for. */
interface Architecture {
  /** The package of Debian 12 that has `qemu-system-<name>`. */
  readonly debianPackage: string;
  /** The machine with PCI that a board is when its options name none; QEMU chooses where there is none. */
  readonly machine: string | undefined;
  /** The richest processor of emulation; QEMU chooses where there is none. */
  readonly cpu: string | undefined;
  /** What gives a PCI machine a screen, and a keyboard when it has none of its own. */
  readonly screen: readonly string[];
  readonly uefi: Uefi | undefined;
  /** The device that is a TPM on this architecture's machine. */
  readonly tpm: string | undefined;
  /** Node's name for a computer that can run its guests with KVM. */
  readonly kvmOn: string | undefined;
}

export interface Uefi {
  readonly debianPackage: string;
  /** Firmware, and the variable store that is made for it: the first pair that is there is taken. */
  readonly files: readonly { readonly code: string; readonly variables: string }[];
}

const x86 = {
  debianPackage: "qemu-system-x86",
  machine: "q35",
  cpu: "max",
  screen: ["-vga", "std"],
  uefi: undefined,
  tpm: "tpm-crb",
  kvmOn: "x64",
} satisfies Architecture;

const virt = {
  machine: "virt",
  cpu: undefined,
  screen: ["-device", "virtio-gpu-pci", "-device", "qemu-xhci", "-device", "usb-kbd"],
  uefi: undefined,
  tpm: undefined,
  kvmOn: undefined,
} satisfies Partial<Architecture>;

const arm = { ...virt, debianPackage: "qemu-system-arm", cpu: "max", tpm: "tpm-tis-device" } satisfies Architecture;

const other = { ...virt, machine: undefined, screen: [] } satisfies Partial<Architecture>;

const ovmf = "/usr/share/OVMF";
const aavmf = "/usr/share/AAVMF";

export const architectures = {
  x86_64: {
    ...x86,
    uefi: {
      debianPackage: "ovmf",
      files: ["_4M", ""].map((size) => ({
        code: `${ovmf}/OVMF_CODE${size}.fd`,
        variables: `${ovmf}/OVMF_VARS${size}.fd`,
      })),
    },
  },
  i386: x86,
  aarch64: {
    ...arm,
    uefi: {
      debianPackage: "qemu-efi-aarch64",
      files: [{ code: `${aavmf}/AAVMF_CODE.fd`, variables: `${aavmf}/AAVMF_VARS.fd` }],
    },
  },
  arm: {
    ...arm,
    uefi: {
      debianPackage: "qemu-efi-arm",
      files: [{ code: `${aavmf}/AAVMF32_CODE.fd`, variables: `${aavmf}/AAVMF32_VARS.fd` }],
    },
  },
  riscv64: { ...virt, debianPackage: "qemu-system-misc" },
  riscv32: { ...virt, debianPackage: "qemu-system-misc" },
  ppc64: { ...other, debianPackage: "qemu-system-ppc" },
  ppc: { ...other, debianPackage: "qemu-system-ppc" },
  mips: { ...other, debianPackage: "qemu-system-mips" },
  mipsel: { ...other, debianPackage: "qemu-system-mips" },
  mips64: { ...other, debianPackage: "qemu-system-mips" },
  mips64el: { ...other, debianPackage: "qemu-system-mips" },
} satisfies Record<string, Architecture>;

export type ArchitectureName = keyof typeof architectures;

export const architectureOf = (name: ArchitectureName): Architecture => architectures[name];

export const programOf = (name: ArchitectureName) => `qemu-system-${name}`;

/** Whether a machine has PCI, so that it takes the screen of its architecture. Others bring what they have. */
export const hasPci = (machine: string) => /^(pc|q35|virt)(-|$)/.test(machine.split(",")[0] as string);
