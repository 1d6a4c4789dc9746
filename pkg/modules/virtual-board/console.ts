import { setTimeout } from "node:timers/promises";
import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Pty } from "#pkg/host/ptys.ts";
import type { Log } from "#pkg/log/log.ts";

/** How long a reader of the console that has fallen behind is waited for before the oldest bytes are lost. */
const readerPatienceMs = 50;

/** How long a board that does not read its input is waited for before typed bytes are lost. */
const boardPatienceMs = 1000;

const lookAgainMs = 2;

/**
 * A serial adapter that stays plugged in while the board goes on and off. Like a real one it never holds the board up:
 * what nobody reads is overwritten, and what is typed at a board without power is lost.
 */
export interface Console extends AsyncDisposable {
  /** The device that the board has as its serial port. */
  readonly device: string;
  /** Starts with nothing of what was typed before. */
  switch(power: "on" | "off"): void;
}

/** Makes the console and the symbolic link under which programs open it. */
export async function openConsole(link: string, { ptys, files }: Host, log: Log): Promise<Console> {
  await using opened = new AsyncDisposableStack();
  const board = opened.use(await ptys.open());
  const user = opened.use(await ptys.open());
  await files.link(link, user.device);
  opened.defer(() => files.remove(link).catch((error: unknown) => log.warn(messageOf(error))));
  let power: "on" | "off" = "off";
  const broke = (error: unknown) => log.error(`the board's console broke: ${messageOf(error)}`);
  const pumps = [showUser(board, user).catch(broke), tellBoard(user, board, () => power === "on").catch(broke)];
  const release = opened.move();
  return {
    device: board.device,
    switch(to) {
      power = to;
      while (board.takeBack() > 0) {}
    },
    async [Symbol.asyncDispose]() {
      await release.disposeAsync();
      await Promise.all(pumps);
    },
  };
}

async function showUser(board: Pty, user: Pty): Promise<void> {
  let reader: "reading" | "behind" = "reading";
  const overwriteOldest = () => {
    user.takeBack();
    return true;
  };
  for await (const piece of board.received) {
    let rest = piece.subarray(user.write(piece));
    if (rest.length === 0) {
      reader = "reading";
      continue;
    }
    if (reader === "reading") {
      rest = await writeWithin(readerPatienceMs, user, rest, () => true);
    }
    if (rest.length > 0) {
      reader = "behind";
      await writeWithin(readerPatienceMs, user, rest, overwriteOldest);
    }
  }
}

async function tellBoard(user: Pty, board: Pty, powered: () => boolean): Promise<void> {
  for await (const piece of user.received) {
    await writeWithin(boardPatienceMs, board, powered() ? piece : new Uint8Array(), powered);
  }
}

/**
 * Writes as much as finds room in a time, and returns the rest. The time starts anew whenever something was taken; room
 * shows a moment after it was made. Before each wait `going` may end it.
 */
async function writeWithin(ms: number, pty: Pty, bytes: Uint8Array, going: () => boolean): Promise<Uint8Array> {
  let rest = bytes.subarray(pty.write(bytes));
  let end = performance.now() + ms;
  while (rest.length > 0 && going() && performance.now() < end) {
    await setTimeout(lookAgainMs);
    const taken = pty.write(rest);
    rest = rest.subarray(taken);
    if (taken > 0) {
      end = performance.now() + ms;
    }
  }
  return rest;
}
