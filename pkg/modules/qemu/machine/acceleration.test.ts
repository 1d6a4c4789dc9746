import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import { nodeProcesses } from "#pkg/host/node-processes.ts";
import type { ExitStatus, ProcessOptions } from "#pkg/host/processes.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { memoryProcesses } from "#test/support/memory-processes.ts";
import { chooseAcceleration } from "./acceleration.ts";

const guest = { arch: "x86_64", machine: "q35", cpu: undefined, accel: "auto" } as const;

/** A host whose QEMU ends so. */
function hostWith(status: ExitStatus, stderr = "") {
  const { processes, started } = memoryProcesses({ "qemu-system-x86_64": () => ({ status, stderr }) });
  return { host: memoryHost({ processes }), started };
}

suite("acceleration", { skip: process.arch === "x64" ? false : "KVM is tried for x86 on x86 only" }, () => {
  test("is KVM when a guest of the board's kind ran with it, which is asked once", async (t) => {
    const { host, started } = hostWith({ kind: "exited", code: 0 });
    const chosen = [
      await chooseAcceleration(guest, host, t.signal),
      await chooseAcceleration({ ...guest, accel: "kvm" }, host, t.signal),
      await chooseAcceleration({ ...guest, cpu: "qemu64" }, host, t.signal),
    ];
    assert.deepEqual(
      chosen.map(({ kind, why }) => [kind, why.replace(/\d+(\.\d+)?m?s$/, "TIME")]),
      Array(3).fill(["kvm", "accelerated by KVM, which ran a test guest in TIME"]),
    );
    assert.deepEqual(
      started.map((words) => words[words.indexOf("-cpu") + 1]),
      ["host", "qemu64"],
    );
  });

  test("is emulation when the guest did not run, with QEMU's reason; who insists on KVM hears it", async (t) => {
    const { host } = hostWith({ kind: "killed", signal: "SIGABRT" }, "error: failed to set MSR\nAssertion failed\n");
    const reason = "KVM did not run a test guest: SIGABRT, error: failed to set MSR";
    assert.deepEqual(await chooseAcceleration(guest, host, t.signal), {
      kind: "tcg",
      why: `emulated (tcg): ${reason}`,
    });
    await assert.rejects(chooseAcceleration({ ...guest, accel: "kvm" }, host, t.signal), {
      code: "failed_precondition",
      message: `KVM does not work: ${reason}`,
    });
  });

  test("is emulation when the guest hangs, which is waited for a short time", async (t) => {
    const processes = nodeProcesses();
    const host = memoryHost({
      processes: {
        ...processes,
        start: (options) => processes.start({ ...options, program: "sleep", args: ["1000"] }),
      },
    });
    assert.deepEqual(await chooseAcceleration(guest, host, t.signal), {
      kind: "tcg",
      why: "emulated (tcg): KVM did not run a test guest within 1.5s",
    });
  });

  test("is tried again when its first guest was slow, as from a cold disk, and when QEMU did not start at all", async (t) => {
    const { host, started } = hostWith({ kind: "exited", code: 0 });
    const processes = nodeProcesses();
    const beginnings = [
      () => processes.start({ program: "/nowhere/qemu", args: [], signal: new AbortController().signal }),
      (options: ProcessOptions) => processes.start({ ...options, program: "sleep", args: ["1000"] }),
    ];
    const moody = memoryHost({
      processes: {
        ...processes,
        start: (options) => beginnings.shift()?.(options) ?? host.processes.start(options),
      },
    });
    await assert.rejects(chooseAcceleration(guest, moody, t.signal), { code: "not_found" });
    const { kind } = await chooseAcceleration(guest, moody, t.signal);
    assert.deepEqual([kind, started.length], ["kvm", 1]);
  });

  test("is not waited for by a run that has ended", async () => {
    const { promise: never } = Promise.withResolvers<never>();
    const host = memoryHost({ processes: { ...nodeProcesses(), start: () => never } });
    const cancel = new AbortController();
    const chosen = chooseAcceleration(guest, host, cancel.signal);
    cancel.abort(new Error("cancelled"));
    await assert.rejects(chosen, { message: "cancelled" });
  });

  test("is emulation, and nothing is tried, for another architecture and when the options say so", async (t) => {
    const { host, started } = hostWith({ kind: "exited", code: 0 });
    const chosen = [
      await chooseAcceleration({ ...guest, accel: "tcg" }, host, t.signal),
      await chooseAcceleration({ ...guest, arch: "aarch64" }, host, t.signal),
    ];
    assert.deepEqual(
      { chosen, started },
      {
        chosen: [
          { kind: "tcg", why: "emulated (tcg), as the option accel says" },
          { kind: "tcg", why: "emulated (tcg): KVM is not tried for aarch64 on this computer" },
        ],
        started: [],
      },
    );
  });

  test("of this computer is found with the real QEMU", {
    skip: spawnSync("qemu-system-x86_64", ["--version"]).error && "needs qemu-system-x86_64 (package qemu-system-x86)",
  }, async (t) => {
    const { why } = await chooseAcceleration(guest, memoryHost({ processes: nodeProcesses() }), t.signal);
    t.diagnostic(why);
    assert.match(why, /^(accelerated by KVM, which ran|emulated \(tcg\): KVM did not run) a test guest/);
  });
});
