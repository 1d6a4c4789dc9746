import { z } from "zod";
import { parseConfig } from "#pkg/config/parse-config.ts";
import type { Host } from "#pkg/host/host.ts";
import { Locks } from "#pkg/lock/locks.ts";
import { silentLog } from "#pkg/log/log.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { type Call, defineModule } from "#pkg/modules/module.ts";
import type { Address } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { callerOf, fromHeader } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { callStreamKey, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { openBench } from "#pkg/session/bench.ts";
import { type EngineOptions, RunEngine } from "#pkg/session/run-engine.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { agentHandler } from "../agent-handler.ts";
import { FileMemory } from "../file-memory.ts";
import { runRoutes } from "../lab-run.ts";
import { fileIntake } from "../service.ts";
import { serveRun } from "../service-run.ts";

/** A listener with one device "board" whose command "go" is a function of the test's. */
export interface RunBench extends AsyncDisposable {
  readonly engine: RunEngine;
  readonly locks: Locks;
  readonly address: Address;
  /** A client of its own connection, dropped with the bench. */
  connect(identity?: string): Connection;
}

export async function runBench(run: (call: Call) => Promise<void>, options: EngineOptions = {}): Promise<RunBench> {
  await using opened = new AsyncDisposableStack();
  const kind = defineModule({
    name: "go",
    summary: "",
    config: z.strictObject({}),
    help: () => "",
    open: async () => ({ run, [Symbol.asyncDispose]: async () => {} }),
  });
  const yaml = "devices: { board: { cmds: { go: { uses: [{ module: go, passthrough: true }] } } } }";
  const config = parseConfig("test.yaml", yaml, [kind]);
  const bench = opened.use(
    await openBench(config, { host: {} as Host, log: silentLog, signal: new AbortController().signal }),
  );
  const locks = opened.use(await Locks.open({ store: memoryStore() }));
  const engine = new RunEngine(bench, locks, silentLog, options);
  const memory = new FileMemory(noMetrics);
  const handler = rpcHandler(
    (router) => {
      runRoutes(engine, silentLog)(router);
      router.rpc(
        DeviceService.method.run,
        (requests, context) => {
          const caller = callerOf(context.requestHeader.get(fromHeader));
          return serveRun(
            { engine, memory, log: silentLog },
            { requests, caller, signal: context.signal, stream: context.values.get(callStreamKey) },
          );
        },
        { readMaxBytes: limits.fileMessageBytes },
      );
    },
    { self: "agent", log: silentLog, intake: fileIntake(memory) },
  );
  const listener = opened.use(
    await listen({ kind: "tcp", host: "localhost", port: 0 }, agentHandler(handler, silentLog), {
      log: silentLog,
      insecure: false,
    }),
  );
  const { address } = listener;
  const release = opened.move();
  return {
    engine,
    locks,
    address,
    connect: (identity = "alice@h") => release.use(connectTo(address, { identity })),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
