import assert from "node:assert/strict";
import { test } from "node:test";
import { qemuArguments } from "./machine/command-line.ts";
import { planBoard, qemuOptions } from "./options.ts";

const surroundings = { device: "/dev/pts/7", accelerator: "tcg", disk: "attached", firmware: undefined } as const;

const argumentsOf = (options: object, around: object = {}) =>
  qemuArguments(planBoard(qemuOptions.parse({ state: "/lab/board", ...options })), { ...surroundings, ...around });

/** What every board of these tests has, whatever its options. */
const monitorAndConsole = [
  "-chardev",
  "socket,id=monitor,path=/lab/board/run/monitor",
  "-mon",
  "chardev=monitor,mode=control",
  "-chardev",
  "serial,id=console,path=/dev/pts/7",
  "-serial",
  "chardev:console",
];

const noForward =
  "forwards.0: expected a forward such as tcp:127.0.0.1:2222-:22, with IPv4 addresses and ports from 1 to 65535";

test("a state directory is all that a board needs, and QEMU is confined", () => {
  assert.deepEqual(argumentsOf({}), [
    "-no-user-config",
    "-nodefaults",
    "-display",
    "none",
    "-sandbox",
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "-machine",
    "q35",
    "-accel",
    "tcg",
    "-cpu",
    "max",
    "-smp",
    "1",
    "-m",
    "256M",
    ...monitorAndConsole,
    "-vga",
    "std",
    "-drive",
    "if=virtio,format=raw,file=/lab/board/disk.img",
    "-nic",
    "none",
  ]);
});

test("an ARM board with everything has it", () => {
  const options = {
    arch: "aarch64",
    machine: "virt,gic-version=3",
    cpu: "cortex-a72,pmu=off",
    cpus: 4,
    memory: "1G",
    disk: "/disks/a,b.qcow2",
    format: "qcow2",
    interface: "scsi",
    kernel: "/boot/Image",
    initrd: "/boot/initrd,1",
    append: "console=ttyAMA0 -quiet,",
    uefi: true,
    tpm: true,
    nic: "e1000e",
    restrict: true,
    forwards: ["tcp:127.0.0.1:2222-:22", "udp::69-10.0.2.20:69"],
    arguments: ["-rtc", "base=utc"],
  };
  const firmware = { code: "/fw/CODE.fd", variables: "/lab/board/uefi-variables.fd" };
  assert.deepEqual(argumentsOf(options, { firmware, accelerator: "kvm" }).slice(6), [
    "-machine",
    "virt,gic-version=3",
    "-accel",
    "kvm",
    "-cpu",
    "cortex-a72,pmu=off",
    "-smp",
    "4",
    "-m",
    "1G",
    ...monitorAndConsole,
    "-device",
    "virtio-gpu-pci",
    "-device",
    "qemu-xhci",
    "-device",
    "usb-kbd",
    "-drive",
    "if=pflash,unit=0,format=raw,readonly=on,file=/fw/CODE.fd",
    "-drive",
    "if=pflash,unit=1,format=raw,readonly=off,file=/lab/board/uefi-variables.fd",
    "-drive",
    "if=scsi,format=qcow2,file=/disks/a,,b.qcow2",
    "-kernel",
    "/boot/Image",
    "-initrd",
    "/boot/initrd,1",
    "-append",
    "console=ttyAMA0 -quiet,",
    "-chardev",
    "socket,id=tpm,path=/lab/board/run/tpm",
    "-tpmdev",
    "emulator,id=tpm,chardev=tpm",
    "-device",
    "tpm-tis-device,tpmdev=tpm",
    "-nic",
    "user,model=e1000e,restrict=on,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp:127.0.0.1:69-10.0.2.20:69",
    "-rtc",
    "base=utc",
  ]);
});

test("a machine without PCI gets no screen, and one without a disk no drive", () => {
  const options = { arch: "aarch64", machine: "raspi3b", kernel: "/boot/kernel8.img" };
  const words = argumentsOf(options, { disk: "missing" });
  assert.deepEqual([words.includes("virtio-gpu-pci"), words.includes("-drive")], [false, false]);
});

for (const [options, problem] of [
  [{ machine: "q35 -monitor stdio" }, "machine: expected a machine such as q35 or virt"],
  [{ machine: "-monitor" }, "machine: expected a machine such as q35 or virt"],
  [{ cpu: "max,-avx,x" }, undefined],
  [{ cpu: "max -monitor" }, "cpu: expected a processor such as host or cortex-a72"],
  [{ interface: "virtio,snapshot=on" }, "interface: expected an interface such as virtio, ide or sd"],
  [{ nic: "e1000,mac=1" }, "nic: expected a model such as virtio-net-pci or e1000e"],
  [{ memory: "1G,maxmem=2G" }, "memory: expected a number and k, M or G, such as 64M"],
  [{ forwards: ["tcp::22-:22,guestfwd=tcp:10.0.2.1:1-cmd:sh"] }, noForward],
  [{ forwards: ["tcp:127.0.0.256:1-:22"] }, noForward],
  [{ forwards: ["tcp::70000-:22"] }, noForward],
  [{ initrd: "/initrd" }, "initrd: it needs the option kernel"],
  [{ append: "quiet" }, "append: it needs the option kernel"],
  [{ network: false, forwards: ["tcp::1-:22"] }, "forwards: they need a network, which the option network denies"],
  [{ arch: "riscv64", uefi: true }, "uefi: it is not known for riscv64; see the option arguments"],
  [{ arch: "ppc", tpm: true }, "tpm: it is not known for ppc; see the option arguments"],
] as const) {
  test(`the options ${JSON.stringify(options).slice(0, 60)} ${problem === undefined ? "are taken" : "are refused where they stand"}`, () => {
    const { error } = qemuOptions.safeParse({ state: "/a", ...options });
    assert.deepEqual(
      error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
      problem === undefined ? undefined : [problem],
    );
  });
}

for (const [state, message] of [
  ["/a,id=x", 'option state: the path "/a,id=x" has a comma or a control character'],
  [`/${"a".repeat(95)}`, `option state: /${"a".repeat(95)} is longer than 95 bytes`],
] as const) {
  test(`the state directory ${state.slice(0, 20)} is refused`, () => {
    assert.throws(() => planBoard(qemuOptions.parse({ state })), { code: "invalid_argument", message });
  });
}

test("a board without a loader's disk needs it, and one with a kernel or with UEFI does not", () => {
  const needs = [{}, { kernel: "/k" }, { uefi: true }, { kernel: "/k", disk: "/d" }].map(
    (options) => planBoard(qemuOptions.parse({ state: "/a", ...options })).needsDisk,
  );
  assert.deepEqual(needs, [true, false, false, true]);
});
