import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { boardSkip, makeBoardImages } from "#test/support/board-images.ts";
import { openBoard, processesWith } from "#test/support/board-under-test.ts";
import { uml } from "./uml.ts";

const owner = join(import.meta.dirname, "../../../test/programs/board-owner.ts");

const temporary = () => mkdtempDisposable(join(tmpdir(), "uml-"));

suite("a virtual board", { skip: await boardSkip() }, () => {
  let images: Awaited<ReturnType<typeof temporary>>;
  before(async () => {
    images = await temporary();
    await makeBoardImages(images.path);
  });
  after(() => images.remove());
  const image = (name: string) => readFile(join(images.path, name));

  /** A busy computer takes its time to shut a board down. */
  const patient = { grace: "1m" };

  /** A board with firmware 1.0 on its disk. */
  async function flashedBoard(t: TestContext, options: object = {}) {
    const directory = await temporary();
    t.after(() => directory.remove());
    await writeFile(join(directory.path, "disk.img"), await image("board-1.0.img"));
    return await openBoard(t, uml, { state: directory.path, ...options });
  }

  test("runs what was flashed, shows it on its console and shuts down in order", async (t) => {
    const board = await flashedBoard(t, patient);
    const flashed = await board.run(["flash", "new.img.gz"], { "new.img.gz": await image("board-2.0.img.gz") });
    const console = await board.console();
    const on = await board.run(["on"]);
    const booted = await console.until("board login: ");
    const twice = await board.run(["on"]);
    const refused = await board.run(["flash", "new.img.gz"]);
    const off = await board.run(["off"]);
    const shutDown = await console.until("System halted");
    const done = await board.run(["off"]);
    assert.deepEqual(
      {
        flashed: flashed.length,
        on,
        banner: /Board firmware \S+/.exec(booted)?.[0],
        twice,
        refused,
        off,
        inOrder: shutDown.includes("SIGTERM to all processes"),
        done,
        left: await readdir(board.state),
      },
      {
        flashed: 3,
        on: ["on, pid N, console STATE/console\n"],
        banner: "Board firmware 2.0",
        twice: ["already on, pid N, since TIME\n"],
        refused: ["failed_precondition: the board is on, and its disk in use (switch it off first)"],
        off: ["asked the board to shut down\n", "off\n"],
        inOrder: true,
        done: ["already off, since TIME: it switched itself off\n"],
        left: ["console", "disk.img", "lock", "owner"],
      },
    );
  });

  test("runs two images in turn, each with what it is", async (t) => {
    const board = await flashedBoard(t, patient);
    const console = await board.console();
    const booted: (string | undefined)[] = [];
    for (const name of ["board-1.0.img", "board-2.0.img.xz"]) {
      await board.run(["flash", name], { [name]: await image(name) });
      await board.run(["on"]);
      booted.push(/Board firmware \S+/.exec(await console.until("board login: "))?.[0]);
      await board.run(["off"]);
      await console.until("System halted");
    }
    assert.deepEqual(booted, ["Board firmware 1.0", "Board firmware 2.0"]);
  });

  test("is cut off after the grace when its init does not take ctrl-alt-del, and can be reset", async (t) => {
    const board = await flashedBoard(t, { grace: "200ms", arguments: ["init=/bin/sh"] });
    const console = await board.console();
    await board.run(["on"]);
    await console.until("# ");
    const reset = await board.run(["reset"]);
    await console.until("# ");
    const off = await board.run(["off"]);
    const status = await board.run(["status"]);
    assert.deepEqual(
      { reset, off, status },
      {
        reset: ["on, pid N, console STATE/console\n"],
        off: ["asked the board to shut down\n", "it did not within 200ms\n", "off: cut the power\n"],
        status: ["off, since TIME: its power was cut\n"],
      },
    );
  });

  test("that panics is off, says why, and can be switched on again", async (t) => {
    const board = await flashedBoard(t, { arguments: ["init=/nothing"] });
    const console = await board.console();
    await board.run(["on"]);
    await console.until("Kernel panic");
    await board.until("off");
    const status = await board.run(["status"]);
    assert.deepEqual(
      { status, again: await board.run(["on"]) },
      {
        status: ["off, since TIME: kernel panic: Requested init /nothing failed (error -2).\n"],
        again: ["on, pid N, console STATE/console\n"],
      },
    );
  });

  for (const suffix of ["", ".gz", ".zst", ".xz"]) {
    test(`takes board-2.0.img${suffix} byte for byte`, async (t) => {
      const board = await flashedBoard(t);
      await board.run(["flash", "image"], { image: await image(`board-2.0.img${suffix}`) });
      const whole = (await readFile(join(board.state, "disk.img"))).equals(await image("board-2.0.img"));
      assert.deepEqual(
        { whole, left: await readdir(board.state) },
        { whole: true, left: ["console", "disk.img", "lock", "owner"] },
      );
    });

    test(`refuses board-2.0.img${suffix} cut in half and keeps the old disk`, async (t) => {
      const board = await flashedBoard(t);
      const half = (await image(`board-2.0.img${suffix}`)).subarray(0, 400 * 1024);
      const said = await board.run(["flash", "image"], { image: half });
      const old = (await readFile(join(board.state, "disk.img"))).equals(await image("board-1.0.img"));
      assert.deepEqual(
        { refused: said.map((text) => /damaged|no disk image/.test(text)), old, left: await readdir(board.state) },
        { refused: [true], old: true, left: ["console", "disk.img", "lock", "owner"] },
      );
    });
  }

  test("without a disk asks for one", async (t) => {
    await using directory = await temporary();
    const board = await openBoard(t, uml, { state: directory.path });
    assert.deepEqual(await board.run(["on"]), [
      "failed_precondition: there is no disk STATE/disk.img (flash an image first)",
    ]);
    await board.close();
  });

  test("is opened once for all entries of an agent, which must agree", async (t) => {
    const host = nodeHost();
    const power = await flashedBoard(t, { host });
    const flash = await openBoard(t, uml, { host, state: power.state });
    await power.run(["on"]);
    const on = await flash.run(["status"]);
    await power.close();
    const still = await flash.run(["status"]);
    await assert.rejects(openBoard(t, uml, { host, state: power.state, memory: "128M" }), {
      message: `option memory is "128M" here and "64M" in another entry with the state directory ${power.state}`,
    });
    await flash.close();
    assert.deepEqual(
      { on, still, left: await readdir(power.state) },
      { on: ["on, pid N, since TIME\n"], still: ["on, pid N, since TIME\n"], left: ["disk.img", "lock"] },
    );
  });

  test("has one agent, and ends with it when that is killed", async (t) => {
    await using directory = await temporary();
    const state = directory.path;
    await writeFile(join(state, "disk.img"), await image("board-1.0.img"));
    const agent = spawn(process.execPath, [owner, "uml", JSON.stringify({ state })], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(agent.stdout, "data");
    const running = (await processesWith(`uml_dir=${state}/`)).length > 0;
    const second = await openBoard(t, uml, { state }).catch(explain);
    agent.kill("SIGKILL");
    await once(agent, "exit");
    while ((await processesWith(`uml_dir=${state}/`)).length > 0) {
      await setTimeout(10, undefined, { signal: t.signal });
    }
    const board = await openBoard(t, uml, { state });
    const reopened = [await board.run(["status"]), await board.run(["on"])];
    await board.close();
    assert.deepEqual(
      { running, second, reopened, left: await readdir(state) },
      {
        running: true,
        second: `the state directory ${state} is in use by process ${agent.pid} (stop that agent, or give this board another state directory)`,
        reopened: [["off\n"], ["on, pid N, console STATE/console\n"]],
        left: ["disk.img", "lock"],
      },
    );
  });

  test("that outlived its agent is ended by the next one, with what it left", async (t) => {
    await using directory = await temporary();
    const state = directory.path;
    const orphan = spawn("linux.uml", [`uml_dir=${state}/run/`, "umid=board", "mem=32M", "con=null"], {
      stdio: "ignore",
      detached: true,
    });
    const ended = once(orphan, "exit");
    await once(orphan, "spawn");
    await writeFile(join(state, "disk.img.new"), "half");
    const board = await openBoard(t, uml, { state });
    const running = await processesWith(`uml_dir=${state}/`);
    await ended;
    await board.close();
    assert.deepEqual({ left: await readdir(state), running }, { left: ["lock"], running: [] });
  });
});
