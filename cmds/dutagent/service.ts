import type { ConnectRouter } from "@connectrpc/connect";
import { describeCommand } from "#pkg/config/describe-command.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Hold, Locks } from "#pkg/lock/locks.ts";
import type { Log } from "#pkg/log/log.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { callerOf, fromHeader } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { Bench } from "#pkg/session/bench.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";
import { serveRun } from "./service-run.ts";

export interface Service {
  readonly bench: Bench;
  readonly engine: RunEngine;
  readonly locks: Locks;
  readonly log: Log;
}

/** DeviceService of one agent. Lock and Unlock are answered with unimplemented. */
export function deviceRoutes({ bench, engine, locks, log }: Service): (router: ConnectRouter) => void {
  const { method } = DeviceService;
  return (router) => {
    router.service(DeviceService, {
      list: () => ({
        devices: sorted(bench.devices.keys()).map((name) => ({ name, ...lockOf(locks.holdOf(name)) })),
      }),
      commands({ device }) {
        const commands = bench.devices.get(device);
        if (commands === undefined) {
          throw new DutError("not_found", `device ${quote(device)}: no such device`);
        }
        return { commands: sorted(commands.keys()) };
      },
      details({ device, command, keyword }) {
        if (keyword !== "help") {
          throw new DutError("invalid_argument", `unknown keyword ${quote(keyword)}, possible values are: "help"`);
        }
        return { details: describeCommand(engine.find(device, command).config) };
      },
    });
    router.rpc(
      method.run,
      (requests, context) => {
        const caller = callerOf(context.requestHeader.get(fromHeader));
        const scoped = log.with({ scope: "session", rpc: "Run", user: caller.name });
        return serveRun(engine, { requests, caller, signal: context.signal }, scoped);
      },
      { readMaxBytes: limits.fileMessageBytes },
    );
  };
}

/** Names in the order of their bytes, as the existing agent lists them. */
function sorted(names: Iterable<string>): string[] {
  return Array.from(names).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function lockOf(hold: Hold | undefined) {
  return hold === undefined
    ? {}
    : { lock: { owner: hold.owner, lockedAt: BigInt(Math.floor(hold.since / 1000)), expiresAt: 0n } };
}
