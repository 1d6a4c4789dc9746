import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { constants } from "node:fs";
import { type FileHandle, lstat, mkdtempDisposable, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodePtys } from "#pkg/host/node-ptys.ts";
import type { Pty } from "#pkg/host/ptys.ts";
import { silentLog } from "#pkg/log/log.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { openConsole } from "./console.ts";

const skip = spawnSync("socat", ["-V"]).status === 0 ? false : "needs socat: apt-get install socat";

const host = memoryHost({ files: nodeFiles(), ptys: nodePtys() });

test("what nobody reads does not stop the board, and the newest of it is there for who comes later", {
  skip,
}, async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "console-"));
  const link = join(directory.path, "console");
  await using console = await openConsole(link, host, silentLog);
  await using board = await openTerminal(console.device);
  for (let line = 0; line < 10_000; line++) {
    await board.write(`line ${line}\n`);
  }
  await using user = await openTerminal(link);
  assert.match(await readUntil(user, "line 9999\n"), /^(?!.*line 1000\n).*line 9998\nline 9999\n$/s);
});

test("both ends may be closed and opened again, and what is typed reaches the board only while it has power", {
  skip,
}, async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "console-"));
  const link = join(directory.path, "console");
  const heard: string[] = [];
  {
    const dealtWith = new EventEmitter<Record<string, []>>();
    const ptys = { open: async () => listenedTo(await nodePtys().open(), (text) => dealtWith.emit(text)) };
    await using console = await openConsole(link, memoryHost({ files: nodeFiles(), ptys }), silentLog);
    for (const round of ["first", "second"]) {
      await using board = await openTerminal(console.device);
      await using user = await openTerminal(link);
      await board.write(`${round}: `);
      heard.push(await readUntil(user, ": "));
      const lost = once(dealtWith, "lost\n");
      await user.write("lost\n");
      await lost;
      await board.write("off\n");
      heard.push(await readUntil(user, "\n"));
      console.switch("on");
      await user.write("typed\n");
      heard.push(await readUntil(board, "\n"));
      console.switch("off");
    }
  }
  assert.deepEqual(
    { heard, left: await lstat(link).catch(({ code }) => code) },
    { heard: ["first: ", "off\n", "typed\n", "second: ", "off\n", "typed\n"], left: "ENOENT" },
  );
});

/** Tells of each piece once whoever reads the pty has done with it what it does. */
function listenedTo(pty: Pty, done: (text: string) => void): Pty {
  async function* received() {
    for await (const piece of pty.received) {
      yield piece;
      done(String(piece));
    }
  }
  return {
    device: pty.device,
    received: received(),
    write: (bytes) => pty.write(bytes),
    takeBack: () => pty.takeBack(),
    [Symbol.asyncDispose]: () => pty[Symbol.asyncDispose](),
  };
}

const openTerminal = (path: string) => open(path, constants.O_RDWR | constants.O_NOCTTY);

async function readUntil(terminal: FileHandle, wanted: string): Promise<string> {
  let text = "";
  while (!text.endsWith(wanted)) {
    const { buffer, bytesRead } = await terminal.read({ buffer: Buffer.alloc(4096) });
    text += buffer.toString("latin1", 0, bytesRead);
  }
  return text;
}
