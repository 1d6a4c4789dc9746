import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { boardSkip, makeBoardImages } from "#test/support/board-images.ts";
import { openBoard, processesWith } from "#test/support/board-under-test.ts";
import { freePorts } from "#test/support/free-ports.ts";
import { mountsAreMissing, PrivateMount } from "#test/support/private-mount.ts";
import { makeQemuBoot, missingProgram, qemuSkip } from "#test/support/qemu-boot.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { qemu } from "./qemu.ts";

const owner = join(import.meta.dirname, "../../../test/programs/board-owner.ts");

const temporary = () => mkdtempDisposable(join(tmpdir(), "qemu-"));

const withoutKernel = { kernel: undefined, initrd: undefined, append: undefined };

const uefiSkip = !existsSync("/usr/share/OVMF/OVMF_CODE_4M.fd") && "needs OVMF: apt-get install ovmf";
const imagesSkip = await boardSkip();
const tpmSkip = missingProgram("swtpm", "swtpm").length > 0 && "needs swtpm: apt-get install swtpm";
const qcow2Skip = missingProgram("qemu-img", "qemu-utils").length > 0 && "needs qemu-img: apt-get install qemu-utils";

suite("a board in QEMU", { skip: qemuSkip(), timeout: 300_000 }, () => {
  let made: Awaited<ReturnType<typeof temporary>>;
  let boot: Awaited<ReturnType<typeof makeQemuBoot>>;
  before(async () => {
    made = await temporary();
    boot = await makeQemuBoot(made.path);
  });
  after(() => made.remove());

  /** A board that boots the kernel; `pc` is the machine that does it soonest. */
  async function bootable(t: TestContext, options: object = {}) {
    const directory = await temporary();
    t.after(() => directory.remove());
    return await openBoard(t, qemu, { state: directory.path, machine: "pc", accel: "tcg", ...boot, ...options });
  }

  test("boots, says so on its console, shuts down at its power button and boots again", async (t) => {
    const board = await bootable(t);
    const console = await board.console();
    const began = performance.now();
    const on = await board.run(["on"]);
    const started = performance.now();
    await console.until("board# ");
    const booted = performance.now();
    const memory = await memoryOf(await pidOf(board));
    t.diagnostic(
      `on after ${Math.round(started - began)} ms, a shell after ${Math.round(booted - began)} ms, ${memory}`,
    );
    const twice = await board.run(["on"]);
    const status = await board.run(["status"]);
    const refused = await board.run(["flash", "image"]);
    const off = await board.run(["off"]);
    await console.until("power button");
    const done = await board.run(["off"]);
    const left = await readdir(board.state);
    const again = await board.run(["on"]);
    await console.until("board# ");
    const reset = await board.run(["reset"]);
    await console.until("board# ");
    assert.deepEqual(
      { on, twice, status, refused, off, done, left, again, reset },
      {
        on: ["on, pid N, console STATE/console\n"],
        twice: ["already on, pid N, since TIME\n"],
        status: ["on, pid N, since TIME\n", "emulated (tcg), as the option accel says\n"],
        refused: ["failed_precondition: the board is on, and its disk in use (switch it off first)"],
        off: ["asked the board to shut down\n", "off\n"],
        done: ["already off, since TIME: it switched itself off\n"],
        left: ["console", "lock", "owner"],
        again: ["on, pid N, console STATE/console\n"],
        reset: ["on, pid N, console STATE/console\n"],
      },
    );
  });

  test("shows its screen and takes keys", async (t) => {
    const board = await bootable(t);
    const console = await board.console();
    await board.run(["on"]);
    await console.until("board# ");
    const typed = [
      await board.run(["type", 'echo "Typed: $((6*7))" >/dev/ttyS0']),
      await board.run(["keys", "ret"]),
      await board.run(["keys", "shift-a", "ctrl-nokey"]),
      await board.run(["nmi"]),
    ];
    await console.until("Typed: 42");
    const png = await pictureOf(board, "screen.png");
    const ppm = await pictureOf(board, "screen.ppm");
    assert.deepEqual(
      {
        typed,
        png: [png.subarray(0, 8).toString("latin1"), png.readUInt32BE(16), png.readUInt32BE(20)],
        ppm: [ppm.toString("latin1", 0, 15), ppm.length],
        colours: new Set(ppm.subarray(15)).size > 1,
        left: await readdir(join(board.state, "run")),
      },
      {
        typed: [
          ["typed 34 characters\n"],
          ["pressed ret\n"],
          [
            "invalid_argument: there is no key nokey, which ctrl-nokey names (keys are named as in QEMU: a, ret, esc, tab, spc, delete, f1, up, ctrl, alt, shift, meta_l; those before it were pressed)",
          ],
          ["sent an NMI\n"],
        ],
        png: ["\x89PNG\r\n\x1a\n", 720, 400],
        ppm: ["P6\n720 400\n255\n", 15 + 720 * 400 * 3],
        colours: true,
        left: ["monitor"],
      },
    );
  });

  test("boots the disk that was flashed, which stays when half an image comes", { skip: imagesSkip }, async (t) => {
    await using images = await temporary();
    await makeBoardImages(images.path);
    const image = (name: string) => readFile(join(images.path, name));
    const board = await bootable(t);
    const flashed = await board.run(["flash", "image"], { image: await image("board-2.0.img.xz") });
    const half = await board.run(["flash", "image"], { image: (await image("board-1.0.img.gz")).subarray(0, 100_000) });
    const console = await board.console();
    await board.run(["on"]);
    const booted = await console.until("board login: ");
    const off = await board.run(["off"]);
    await console.until("Power down");
    const whole = (await readFile(join(board.state, "disk.img"))).length;
    assert.deepEqual(
      {
        flashed: flashed.length,
        half: half.map((text) => /damaged/.test(text)),
        banner: /Board firmware \S+/.exec(booted)?.[0],
        off,
        whole,
      },
      {
        flashed: 3,
        half: [true],
        banner: "Board firmware 2.0",
        off: ["asked the board to shut down\n", "off\n"],
        whole: (await image("board-2.0.img")).length,
      },
    );
  });

  test("takes a qcow2 image that is whole in itself, and no raw one", { skip: qcow2Skip }, async (t) => {
    await using images = await temporary();
    const path = (name: string) => join(images.path, name);
    spawnSync("qemu-img", ["create", "-q", "-f", "qcow2", path("whole"), "64M"]);
    spawnSync("qemu-img", ["create", "-q", "-f", "qcow2", "-b", path("whole"), "-F", "qcow2", path("part")]);
    const board = await bootable(t, { ...withoutKernel, format: "qcow2" });
    const flash = async (name: string) => await board.run(["flash", name], { [name]: await readFile(path(name)) });
    const none = await board.run(["on"]);
    const flashed = await flash("whole");
    const part = await flash("part");
    const on = await board.run(["on"]);
    assert.deepEqual(
      { none, flashed: flashed.slice(1, 2), part, on },
      {
        none: ["failed_precondition: there is no disk STATE/disk.img (flash an image first)"],
        flashed: ["196616 bytes on the disk: qcow2 with a disk of 67108864 bytes\n"],
        part: [
          "invalid_argument: this is no qcow2 image for this board: it needs a backing file (make one with qemu-img convert -O qcow2, or set the option format; the disk is as it was)",
        ],
        on: ["on, pid N, console STATE/console\n"],
      },
    );
  });

  test("is reached through a forwarded port, which one board at a time has", async (t) => {
    const [port] = await freePorts(1);
    const options = { forwards: [`tcp::${port}-:80`], restrict: true };
    const board = await bootable(t, options);
    const other = await bootable(t, options);
    const console = await board.console();
    await board.run(["on"]);
    await console.until("board# ");
    const page = await (await fetch(`http://127.0.0.1:${port}/hello`)).text();
    const [taken = ""] = await other.run(["on"]);
    assert.deepEqual(
      { page, taken: taken.replaceAll(String(port), "PORT") },
      {
        page: "hello from the board\n",
        taken:
          "unavailable: the board did not start: qemu ended with status 1: qemu-system-x86_64: -nic user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:PORT-:80: Could not set up host forwarding rule 'tcp:127.0.0.1:PORT-:80' (see the options of the board)",
      },
    );
  });

  test("has a TPM, which ends with it; one that ends before is told", { skip: tpmSkip }, async (t) => {
    const board = await bootable(t, { tpm: true, grace: "1ms" });
    const console = await board.console();
    await board.run(["on"]);
    await console.until("board# ");
    await console.send("echo TPM$(cat /sys/class/tpm/tpm0/tpm_version_major)\n");
    await console.until("TPM2");
    const tpms = () => processesWith(`type=unixio,path=${board.state}/`);
    const [pid] = await tpms();
    process.kill(Number(pid), "SIGKILL");
    while ((await board.run(["status"])).length < 3) {
      await setTimeout(10);
    }
    const status = await board.run(["status"]);
    await board.run(["reset"]);
    const again = (await tpms()).length;
    await board.run(["off"]);
    assert.deepEqual(
      { status: status.slice(2), again, after: await tpms(), left: await readdir(board.state) },
      {
        status: ["without its TPM: swtpm was ended by SIGKILL\n"],
        again: 1,
        after: [],
        left: ["console", "lock", "owner", "tpm"],
      },
    );
  });

  test("has UEFI firmware with variables of its own", { skip: uefiSkip }, async (t) => {
    const board = await bootable(t, { ...withoutKernel, uefi: true, machine: "q35" });
    const console = await board.console();
    const began = performance.now();
    await board.run(["on"]);
    await console.until("UEFI Interactive Shell");
    t.diagnostic(`the UEFI shell after ${Math.round(performance.now() - began)} ms`);
    const picture = await pictureOf(board, "screen.png");
    const variables = await readFile(join(board.state, "uefi-variables.fd"));
    await board.run(["reset"]);
    await board.close();
    assert.deepEqual(
      {
        picture: picture.length > 1000,
        written: variables.equals(await readFile("/usr/share/OVMF/OVMF_VARS_4M.fd")),
        left: await readdir(board.state),
      },
      { picture: true, written: false, left: ["lock", "uefi-variables.fd"] },
    );
  });

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
      await setTimeout(10);
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
        flashed: ["resource_exhausted: write FULL/disk.img.new: no space left on the device"],
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
      await setTimeout(10);
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
    const options = { state, ...boot, accel: "tcg", tpm: true };
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
      await setTimeout(10);
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

type BoardUnderTest = Awaited<ReturnType<typeof openBoard>>;

async function pidOf(board: BoardUnderTest): Promise<number> {
  const { transcript } = await board.transcriptOf(["status"]);
  return Number(/pid (\d+)/.exec(JSON.stringify(transcript))?.[1]);
}

async function memoryOf(pid: number): Promise<string | undefined> {
  return /VmRSS:\s+(.*)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1];
}

/** What a screenshot hands to the client. */
async function pictureOf(board: BoardUnderTest, name: string): Promise<Buffer> {
  const { call } = recordedCall(["screenshot", name]);
  const pieces: Uint8Array[] = [];
  const sendFile = async (_: string, content: AsyncIterable<Uint8Array>) => {
    pieces.push(...(await Array.fromAsync(content)));
  };
  await board.module.run({ ...call, session: { ...call.session, sendFile } });
  return Buffer.concat(pieces);
}
