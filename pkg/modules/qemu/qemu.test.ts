import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { boardSkip, makeBoardImages } from "#test/support/board-images.ts";
import { type openBoard, processesWith } from "#test/support/board-under-test.ts";
import { HeldPorts } from "#test/support/held-ports.ts";
import { missingProgram, pidOf, QemuBoots, qemuSkip } from "#test/support/qemu-boot.ts";
import { recordedCall } from "#test/support/recorded-call.ts";

const temporary = () => mkdtempDisposable(join(tmpdir(), "qemu-"));

const withoutKernel = { kernel: undefined, initrd: undefined, append: undefined };

const uefiSkip = !existsSync("/usr/share/OVMF/OVMF_CODE_4M.fd") && "needs OVMF: apt-get install ovmf";
const imagesSkip = await boardSkip();
const tpmSkip = missingProgram("swtpm", "swtpm").length > 0 && "needs swtpm: apt-get install swtpm";
const qcow2Skip = missingProgram("qemu-img", "qemu-utils").length > 0 && "needs qemu-img: apt-get install qemu-utils";

suite("a board in QEMU", { skip: qemuSkip() }, () => {
  let boots: QemuBoots;
  before(async () => {
    boots = await QemuBoots.make();
  });
  after(() => boots[Symbol.asyncDispose]());
  const bootable = (t: TestContext, options: object = {}) => boots.open(t, options);

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
    // Not to its shell, whose line editor asks the screen for the cursor and finds the answer among the keys.
    await console.send("exec 3<>/dev/tty2; chvt 2; echo re''ady; head -n 1 <&3\n");
    await console.until("ready");
    const line = 'echo "Typed: $((6*7))" >/dev/ttyS0';
    const typed = [
      await board.run(["type", line]),
      await board.run(["keys", "ret"]),
      await board.run(["keys", "shift-a", "ctrl-nokey"]),
      await board.run(["nmi"]),
    ];
    await console.until(`${line}\r\n`);
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
    await using ports = new HeldPorts();
    const port = await ports.hold();
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
      await setTimeout(10, undefined, { signal: t.signal });
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
});

type BoardUnderTest = Awaited<ReturnType<typeof openBoard>>;

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
