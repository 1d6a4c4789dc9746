import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { openBoard, processesWith } from "#test/support/board-under-test.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { missingProgram, pidOf, QemuBoots, qemuSkip } from "#test/support/qemu-boot.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { qemu } from "./qemu.ts";

const owner = join(import.meta.dirname, "../../../test/programs/board-owner.ts");

const temporary = () => mkdtempDisposable(join(tmpdir(), "qemu-"));

const tpmSkip = missingProgram("swtpm", "swtpm").length > 0 && "needs swtpm: apt-get install swtpm";

suite("a board in QEMU that meets with misfortune", { skip: qemuSkip() }, () => {
  let boots: QemuBoots;
  before(async () => {
    boots = await QemuBoots.make();
  });
  after(() => boots[Symbol.asyncDispose]());
  const bootable = (t: TestContext, options: object = {}) => boots.open(t, options);

  test("that hangs says so, and is cut off all the same", async (t) => {
    const board = await bootable(t);
    await board.run(["on"]);
    process.kill(await pidOf(board), "SIGSTOP");
    const [, , status] = await board.run(["status"]);
    const off = await board.run(["off"]);
    assert.deepEqual(
      { status, off, left: await processesWith(`socket,id=monitor,path=${board.state}/`) },
      {
        status: "not answering: qemu does not answer within 5s\n",
        off: ["qemu does not answer within 5s\n", "off: cut the power\n"],
        left: [],
      },
    );
  });

  test("stands still when the agent's disk is full, says so, and takes no image then", {
    skip: mountsAreMissing ?? false,
  }, async (t) => {
    await using full = await PrivateMount.tmpfs(4 * 1024 * 1024);
    const disk = join(full.seen, "disk.img");
    await writeFile(disk, "");
    await truncate(disk, 64 * 1024 * 1024);
    const board = await bootable(t, { disk, grace: "1ms" });
    const console = await board.console();
    await board.run(["on"]);
    await console.until("board# ");
    await console.send("dd if=/dev/zero of=/dev/vda bs=1M\n");
    while ((await board.run(["status"])).length < 3) {
      await setTimeout(10, undefined, { signal: t.signal });
    }
    const [, , status] = await board.run(["status"]);
    const off = await board.run(["off"]);
    const image = Buffer.alloc(1024 * 1024);
    image.write("hsqs");
    const flashed = await board.run(["flash", "image"], { image });
    assert.deepEqual(
      { status, off, flashed: flashed.map((text) => text.replace(full.seen, "FULL")), left: await readdir(full.seen) },
      {
        status: "standing still: its disk cannot be written; make room on the agent, then switch it off and on\n",
        off: ["asked the board to shut down\n", "it did not within 1ms\n", "off: cut the power\n"],
        flashed: ["resource_exhausted: write FULL/disk.img: no space left on the device"],
        left: ["disk.img"],
      },
    );
  });

  test("that ends by itself tells why, and can be switched on again", async (t) => {
    const board = await bootable(t);
    await board.run(["on"]);
    process.kill(await pidOf(board), "SIGTERM");
    await board.until("off");
    const status = await board.run(["status"]);
    const on = await board.run(["on"]);
    assert.deepEqual(
      { status: status.map((text) => text.replace(/from pid .*/, "from PID")), on },
      {
        status: ["off, since TIME: qemu ended with status 0: qemu-system-x86_64: terminating on signal 15 from PID\n"],
        on: ["on, pid N, console STATE/console\n"],
      },
    );
  });

  test("whose QEMU never comes up is given up when the run ends", async (t) => {
    const host = nodeHost();
    const { processes } = host;
    const start: Host["processes"]["start"] = (options) =>
      processes.start(options.program.startsWith("qemu") ? { ...options, program: "sleep", args: ["1000"] } : options);
    const board = await bootable(t, { host: { ...host, processes: { ...processes, start } } });
    const stop = new AbortController();
    const { call } = recordedCall(["on"], { signal: stop.signal });
    const running = board.module.run(call);
    while ((await board.run(["status"]))[0] === "off\n") {
      await setTimeout(10, undefined, { signal: t.signal });
    }
    stop.abort(new Error("the client has gone"));
    await assert.rejects(running, new Error("the client has gone"));
    assert.deepEqual(
      { status: await board.run(["status"]), left: await readdir(board.state) },
      { status: ["off, since TIME: its power was cut\n"], left: ["console", "lock", "owner"] },
    );
  });

  test("that QEMU does not understand tells QEMU's words", async (t) => {
    const board = await bootable(t, { arguments: ["-nonsense"] });
    assert.deepEqual(await board.run(["on"]), [
      "unavailable: the board did not start: qemu ended with status 1: qemu-system-x86_64: -nonsense: invalid option (see the options of the board)",
    ]);
    assert.deepEqual(await readdir(board.state), ["console", "lock", "owner"]);
  });

  test("is opened once for all entries of an agent, which must agree", async (t) => {
    const host = nodeHost();
    const power = await bootable(t, { host });
    const screen = await bootable(t, { host, state: power.state });
    await power.run(["on"]);
    const [on] = await screen.run(["status"]);
    await power.close();
    const [still] = await screen.run(["status"]);
    await assert.rejects(bootable(t, { host, state: power.state, cpus: 2 }), {
      message: `option cpus is 2 here and 1 in another entry with the state directory ${power.state}`,
    });
    await screen.close();
    assert.deepEqual(
      { on, still, left: await readdir(power.state) },
      { on: "on, pid N, since TIME\n", still: "on, pid N, since TIME\n", left: ["lock"] },
    );
  });

  test("has one agent, and ends with it when that is killed", { skip: tpmSkip }, async (t) => {
    await using directory = await temporary();
    const state = directory.path;
    const options = { state, ...boots.options, accel: "tcg", tpm: true };
    const processes = async () => [
      ...(await processesWith(`socket,id=monitor,path=${state}/`)),
      ...(await processesWith(`type=unixio,path=${state}/`)),
    ];
    const agent = spawn(process.execPath, [owner, "qemu", JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(agent.stdout, "data");
    const running = (await processes()).length;
    const second = await openBoard(t, qemu, options).catch(explain);
    agent.kill("SIGKILL");
    await once(agent, "exit");
    while ((await processes()).length > 0) {
      await setTimeout(10, undefined, { signal: t.signal });
    }
    const board = await openBoard(t, qemu, options);
    const reopened = [(await board.run(["status"]))[0], (await board.run(["on"]))[0]];
    await board.close();
    await board.close();
    assert.deepEqual(
      { running, second, reopened, left: await readdir(state) },
      {
        running: 2,
        second: `the state directory ${state} is in use by process ${agent.pid} (stop that agent, or give this board another state directory)`,
        reopened: ["off\n", "on, pid N, console STATE/console\n"],
        left: ["lock", "tpm"],
      },
    );
  });

  test("that outlived its agent is ended by the next one, with what it left", async (t) => {
    await using directory = await temporary();
    const state = directory.path;
    const mark = `socket,id=monitor,path=${state}/run/monitor`;
    const orphan = spawn("sleep", ["1000"], { argv0: mark, stdio: "ignore", detached: true });
    const ended = once(orphan, "exit");
    await once(orphan, "spawn");
    await writeFile(join(state, "disk.img.new"), "half");
    const board = await openBoard(t, qemu, { state });
    await ended;
    await board.close();
    assert.deepEqual(await readdir(state), ["lock"]);
  });
});
