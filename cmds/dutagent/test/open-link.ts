import { EventEmitter, once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Log, LogFields } from "#pkg/log/log.ts";
import type { Address } from "#pkg/protocol/address.ts";
import type { HttpHandler } from "#pkg/protocol/rpc-handler.ts";
import { openIdentity } from "../servers/identity.ts";
import type { SelfBench } from "../servers/self.ts";
import { ServerLink } from "../servers/server-link.ts";

/** Longer than any test. */
const neverMs = 10 * 60_000;

export interface LinkOptions {
  readonly servers: readonly Address[];
  readonly own?: Address | undefined;
  /** How often a server that knows only addresses is told, in milliseconds. Default never again. */
  readonly everyMs?: number;
  /** Default "bench". */
  readonly name?: string;
}

/** An agent's link to its servers, with a device "board" that is nothing but a name. */
export interface TestLink extends AsyncDisposable {
  readonly link: ServerLink;
  /** Level and message of every line of the log. */
  readonly lines: readonly string[];
  /** Resolves with the fields of a line when it has been logged. */
  said(line: string): Promise<LogFields>;
  configure(...devices: readonly string[]): void;
  /** Ends the trying; what is open stays so. */
  stop(): Promise<void>;
}

const nothing: HttpHandler = (_, response) => {
  response.statusCode = 404;
  response.end();
};

/** Keeps at it until it is stopped, disposed of or the test is over. */
export async function openLink(t: TestContext, options: LinkOptions): Promise<TestLink> {
  await using open = new AsyncDisposableStack();
  const { path } = open.use(await mkdtempDisposable(join(tmpdir(), "link-")));
  const bench = configurableBench("board");
  const { log, lines, said } = heardLog();
  const stop = new AbortController();
  const link = new ServerLink({
    servers: options.servers,
    self: {
      name: options.name ?? "bench",
      bootId: "boot-1",
      identity: openIdentity(path),
      bench,
      engine: { list: () => [] },
      locks: { fence: 7 },
    },
    handler: nothing,
    own: options.own,
    tls: () => undefined,
    log,
    delay: () => 1,
    registerEveryMs: options.everyMs ?? neverMs,
  });
  open.use(link);
  const keeping = link.keep(AbortSignal.any([stop.signal, t.signal]));
  const release = open.move();
  const end = async () => {
    stop.abort("stopped");
    await keeping;
  };
  return {
    ...{ link, lines, said },
    configure: bench.configure,
    stop: end,
    async [Symbol.asyncDispose]() {
      await end();
      await release.disposeAsync();
    },
  };
}

function configurableBench(...initially: readonly string[]): SelfBench & { configure(...names: string[]): void } {
  const listeners = new Set<() => void>();
  const devices = new Map<string, { config: { description: string; labels: ReadonlyMap<string, string> } }>();
  const configure = (...names: readonly string[]) => {
    devices.clear();
    for (const name of names) {
      devices.set(name, { config: { description: `the ${name}`, labels: new Map([["row", "1"]]) } });
    }
    for (const listener of listeners) {
      listener();
    }
  };
  configure(...initially);
  return {
    devices,
    configure,
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}

function heardLog() {
  const lines: string[] = [];
  const fields: LogFields[] = [];
  const told = new EventEmitter<{ line: [] }>();
  const logWith = (bound: LogFields): Log => {
    const at = (level: string) => (message: string, more?: LogFields) => {
      lines.push(`${level} ${message}`);
      fields.push({ ...bound, ...more });
      told.emit("line");
    };
    return {
      error: at("error"),
      warn: at("warn"),
      info: at("info"),
      debug: at("debug"),
      with: (more) => logWith({ ...bound, ...more }),
    };
  };
  const said = async (line: string) => {
    while (!lines.includes(line)) {
      await once(told, "line");
    }
    return fields[lines.lastIndexOf(line)] ?? {};
  };
  return { log: logWith({}), lines, said };
}
