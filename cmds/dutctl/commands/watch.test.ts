import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { parseOptions } from "../options.ts";
import { openOutput } from "../output/output.ts";
import { Footer } from "../terminal/footer.ts";
import type { TerminalSize } from "../terminal/terminal.ts";
import { aliceAtDesk } from "../test/alice-at-desk.ts";
import { ScriptedAgent } from "../test/scripted-agent.ts";
import type { World } from "../world.ts";
import { watch } from "./watch.ts";

/** A terminal of memory that a test can make larger and smaller. */
function memoryTerminal() {
  let size: TerminalSize = { rows: 24, columns: 80 };
  const listeners = new Set<(size: TerminalSize) => void>();
  const drawn: string[] = [];
  let news = Promise.withResolvers<void>();
  const outlet = {
    isTerminal: true,
    write: async (data: string | Uint8Array) => {
      drawn.push(String(data));
      news.resolve();
      news = Promise.withResolvers();
    },
  };
  const terminal = {
    type: "x",
    hasKeyboard: false,
    footer: new Footer(outlet, () => size.columns),
    size: () => size,
    onResize(listener: (size: TerminalSize) => void) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    raw() {},
    guard: () => ({ [Symbol.dispose]() {} }),
  };
  return {
    outlet,
    terminal,
    listeners,
    async drawnAt(at: number): Promise<string> {
      while (drawn.length <= at) {
        await news.promise;
      }
      return drawn[at] as string;
    },
    resize(to: TerminalSize) {
      size = to;
      for (const tell of listeners) {
        tell(to);
      }
    },
  };
}

test("watch draws its table anew when the window changes its size, and no longer than it goes on", async () => {
  await using agent = await ScriptedAgent.start({
    list: () => ({ devices: ["board-1", "board-2", "board-3", "board-4"].map((name) => ({ name })) }),
  });
  using connection = connectTo(parseAddress(agent.address), { identity: "alice@desk" });
  const { outlet, terminal, listeners, drawnAt, resize } = memoryTerminal();
  const stop = new AbortController();
  const world: World = {
    ...aliceAtDesk,
    stdin: async function* () {},
    stdout: outlet,
    stderr: outlet,
    terminal,
    signal: stop.signal,
  };
  const plain = { colour: false, isTerminal: true };
  const render = { verbose: false, stdout: plain, stderr: plain, now: () => new Date(0) };
  const watching = watch(
    { name: "watch", device: undefined, options: parseOptions({}) },
    {
      connection,
      devices: connection.devices,
      server: agent.address,
      options: parseOptions({}),
      identity: "alice@desk",
      out: await openOutput("text", { stdout: outlet, stderr: outlet, terminal }, render),
      subject: { device: undefined, command: undefined, runId: undefined },
      log: silentLog,
      world,
    },
  );
  const first = await drawnAt(0);
  resize({ rows: 4, columns: 80 });
  const second = await drawnAt(1);
  stop.abort();
  await assert.rejects(watching, { name: "AbortError" });
  assert.deepEqual(
    [/board-4/.test(first), /board-4/.test(second), /and 3 more devices/.test(second), listeners.size],
    [true, false, true, 0],
  );
});
