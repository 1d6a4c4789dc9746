import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import { nodeHost } from "#pkg/host/node-host.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { ModuleKind } from "#pkg/modules/module.ts";
import { recordedCall, type Utterance } from "./recorded-call.ts";

interface BoardOptions {
  readonly state: string;
  /** Default a host of its own. */
  readonly host?: Host;
  readonly [option: string]: unknown;
}

/** A virtual board that is closed after the test. What it says is told without process ids, times and its directory. */
export async function openBoard(t: TestContext, kind: ModuleKind, { host = nodeHost(), ...options }: BoardOptions) {
  const context = { host, log: silentLog, signal: new AbortController().signal };
  const module = await kind.configure(options).open(context);
  const close = () => module[Symbol.asyncDispose]();
  t.after(close);
  const { state } = options;
  const transcriptOf = async (args: readonly string[], files: Record<string, Uint8Array> = {}) => {
    const { call, transcript } = recordedCall(args, { files });
    const failure = await module.run(call).then(
      () => [],
      (error: unknown) => [`${(error as { code?: string }).code}: ${explain(error)}`],
    );
    return { transcript, failure };
  };
  const run = async (args: readonly string[], files: Record<string, Uint8Array> = {}) => {
    const { transcript, failure } = await transcriptOf(args, files);
    return [...transcript.flatMap(printed), ...failure].map((text) => withoutFacts(text, state));
  };
  return {
    state,
    close,
    run,
    module,
    transcriptOf,
    async until(power: "off") {
      while (!(await run(["status"]))[0]?.startsWith(power)) {
        await setTimeout(10, undefined, { signal: t.signal });
      }
    },
    async console() {
      const port = await host.serialPorts.open(join(state, "console"), { baud: 115200 });
      t.after(() => port[Symbol.asyncDispose]());
      return {
        until: (text: string) => readUntil(port.received, text),
        send: (text: string) => port.write(Buffer.from(text), t.signal),
      };
    },
  };
}

/** The processes that have an argument that begins so. */
export async function processesWith(argument: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = pids.map(async (pid) => {
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    return command.split("\0").some((word) => word.startsWith(argument)) ? [pid] : [];
  });
  return (await Promise.all(found)).flat();
}

const printed = (said: Utterance) => ("print" in said ? [said.print] : []);

const withoutFacts = (text: string, state: string) =>
  text
    .replaceAll(state, "STATE")
    .replace(/pid \d+/, "pid N")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, "TIME");

async function readUntil(received: AsyncIterable<Uint8Array>, wanted: string): Promise<string> {
  let text = "";
  for await (const piece of received) {
    text += Buffer.from(piece).toString("latin1");
    if (text.includes(wanted)) {
      break;
    }
  }
  return text;
}
