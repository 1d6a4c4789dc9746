import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { Locks } from "#pkg/lock/locks.ts";
import { type Log, silentLog } from "#pkg/log/log.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { dummyRepeat } from "#pkg/modules/dummy-repeat/dummy-repeat.ts";
import { defineModule } from "#pkg/modules/module.ts";
import type { Address } from "#pkg/protocol/address.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { type Bench, openBench } from "#pkg/session/bench.ts";
import { RunEngine } from "#pkg/session/run-engine.ts";
import { agentHandler } from "../../../cmds/dutagent/agent-handler.ts";
import { FileMemory } from "../../../cmds/dutagent/file-memory.ts";
import { runRoutes } from "../../../cmds/dutagent/lab-run.ts";
import { labRoutes } from "../../../cmds/dutagent/lab-service.ts";
import { type Identity, openIdentity } from "../../../cmds/dutagent/servers/identity.ts";
import { ServerLink } from "../../../cmds/dutagent/servers/server-link.ts";
import { deviceRoutes, fileIntake } from "../../../cmds/dutagent/service.ts";
import { memoryHost } from "../memory-host.ts";
import { memoryStore } from "../memory-store.ts";

/** Says "tick 1", "tick 2" and so on, as often as its first argument says, with its second in milliseconds between them. */
const ticks = defineModule({
  name: "ticks",
  summary: "count",
  config: z.strictObject({}),
  help: () => "ticks COUNT MILLISECONDS",
  open: async () => ({
    async run({ args: [count = "1", milliseconds = "0"], session, signal }) {
      for (let tick = 1; tick <= Number(count); tick++) {
        await session.print(`tick ${tick}\n`);
        await wait(Number(milliseconds), undefined, { signal });
      }
    },
    async [Symbol.asyncDispose]() {},
  }),
});

const commands = {
  ticks: { uses: [{ module: "ticks", passthrough: true }] },
  repeat: { uses: [{ module: "dummy-repeat" }] },
};

/** One user may have all the runs of a test. */
const runsPerUser = 1_000;

export interface MemoryAgentOptions {
  readonly name: string;
  readonly devices: readonly string[];
  /** Keeps the agent's key; it has to be there. */
  readonly directory: string;
  readonly servers: readonly Address[];
  readonly tls: ClientTls | undefined;
  readonly log: Log;
  /** Told before every attempt to be at a server. */
  readonly dials: () => void;
  /** The pause before an attempt, in milliseconds. Default that of dutagent. */
  readonly delay?: (attempt: number) => number;
}

/**
 * What dutagent is made of, but for devices that are nothing but names, and reservations that are forgotten with it. It
 * listens nowhere, and is at no server before it is started. Disposing kills it.
 */
export class MemoryAgent implements AsyncDisposable {
  readonly #options: MemoryAgentOptions;
  readonly #bench: Bench;
  readonly #locks: Locks;
  readonly #identity: Identity;
  #life: { readonly link: ServerLink; readonly stop: AbortController; readonly kept: Promise<void> } | undefined;

  private constructor(options: MemoryAgentOptions, bench: Bench, locks: Locks) {
    this.#options = options;
    this.#bench = bench;
    this.#locks = locks;
    this.#identity = openIdentity(options.directory);
  }

  static async open(options: MemoryAgentOptions): Promise<MemoryAgent> {
    const devices = Object.fromEntries(options.devices.map((name) => [name, { cmds: commands }]));
    const config = parseConfig("fleet.yaml", JSON.stringify({ devices }), [ticks, dummyRepeat]);
    const { signal } = new AbortController();
    const bench = await openBench(config, { host: memoryHost({}), log: silentLog, signal });
    return new MemoryAgent(options, bench, await Locks.open({ store: memoryStore() }));
  }

  /** Begins to be at one of its servers, as a program does that was just started. */
  start(): void {
    const { name, servers, log, tls, dials } = this.#options;
    const engine = new RunEngine(this.#bench, this.#locks, log, { runsPerUser });
    const stop = new AbortController();
    const link = new ServerLink({
      servers,
      self: { name, bootId: randomUUID(), identity: this.#identity, bench: this.#bench, engine, locks: this.#locks },
      handler: this.#handler(engine, stop.signal),
      own: undefined,
      tls() {
        dials();
        return tls;
      },
      log,
      ...(this.#options.delay === undefined ? {} : { delay: this.#options.delay }),
    });
    this.#life = { link, stop, kept: link.keep(stop.signal) };
  }

  /** Drops what is open without a word. */
  async kill(): Promise<void> {
    this.#life?.stop.abort("killed");
    await this.#life?.kept;
    this.#life?.link[Symbol.dispose]();
    this.#life = undefined;
  }

  /** Says goodbye, and is gone when nothing is open any more. */
  async stop(): Promise<void> {
    this.#life?.stop.abort("stopped");
    await this.#life?.kept;
    this.#life?.link.goodbye("the agent is shutting down");
    await this.#life?.link.drain(AbortSignal.timeout(10_000));
    await this.kill();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  #handler(engine: RunEngine, stopping: AbortSignal): HttpHandler {
    const memory = new FileMemory(noMetrics);
    const desk = { bench: this.#bench, engine, locks: this.#locks, memory, log: silentLog };
    const routes = rpcHandler(
      (router) => {
        deviceRoutes(desk)(router);
        labRoutes(desk, stopping)(router);
        runRoutes(engine, silentLog)(router);
      },
      { self: "agent", log: silentLog, intake: fileIntake(memory) },
    );
    return agentHandler(routes, silentLog);
  }
}
