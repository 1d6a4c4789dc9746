import type { ConnectRouter } from "@connectrpc/connect";
import { describeCommand } from "#pkg/config/describe-command.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Locks, Reservation } from "#pkg/lock/locks.ts";
import type { Log } from "#pkg/log/log.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { callerOf, fromHeader } from "#pkg/protocol/headers.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { callStreamKey, type Intake } from "#pkg/protocol/rpc-handler.ts";
import type { Bench } from "#pkg/session/bench.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";
import { lockDevice, unlockDevice, unlockDeviceByForce } from "./desk.ts";
import { sortedNames } from "./device-view.ts";
import type { FileMemory } from "./file-memory.ts";
import { heldMessages } from "./held-messages.ts";
import { serveRun } from "./service-run.ts";

export interface Service {
  readonly bench: Bench;
  readonly engine: RunEngine;
  readonly locks: Locks;
  /** For files of runs of protocol v1. */
  readonly memory: FileMemory;
  readonly log: Log;
}

/** DeviceService of one agent. */
export function deviceRoutes(service: Service): (router: ConnectRouter) => void {
  const { method } = DeviceService;
  const { bench, engine, locks, memory, log } = service;
  return (router) => {
    router.service(DeviceService, {
      list: () => ({
        devices: sortedNames(bench.devices.keys()).map((name) => ({ name, ...lockOf(locks, name) })),
      }),
      commands({ device }) {
        const commands = bench.devices.get(device)?.commands;
        if (commands === undefined) {
          throw new DutError("not_found", `device ${quote(device)}: no such device`);
        }
        return { commands: sortedNames(commands.keys()) };
      },
      details({ device, command, keyword }) {
        if (keyword !== "help") {
          throw new DutError("invalid_argument", `unknown keyword ${quote(keyword)}, possible values are: "help"`);
        }
        return { details: describeCommand(engine.find(device, command).config) };
      },
      async lock({ device, durationSeconds }, { requestHeader }) {
        const caller = callerOf(requestHeader.get(fromHeader));
        const duration = Number(durationSeconds) * 1000;
        return { device, lock: reservedState(await lockDevice(service, { device, duration, caller })) };
      },
      async unlock({ device, force }, { requestHeader }) {
        const caller = callerOf(requestHeader.get(fromHeader));
        await (force
          ? unlockDeviceByForce(service, { device, keepRun: false, caller })
          : unlockDevice(service, { device, caller }));
        return {};
      },
    });
    router.rpc(
      method.run,
      (requests, context) => {
        const caller = callerOf(context.requestHeader.get(fromHeader));
        const scoped = log.with({ scope: "session", rpc: "Run", user: caller.name });
        return serveRun(
          { engine, memory, log: scoped },
          { requests, caller, signal: context.signal, stream: context.values.get(callStreamKey) },
        );
      },
      { readMaxBytes: limits.fileMessageBytes },
    );
  };
}

/** A reservation, else a run, which ends nobody knows when: that is a 0. */
function lockOf(locks: Locks, device: string) {
  const reservation = locks.reservationOf(device);
  if (reservation !== undefined) {
    return { lock: reservedState(reservation) };
  }
  const hold = locks.holdOf(device);
  return hold === undefined ? {} : { lock: { owner: hold.owner, lockedAt: unixSeconds(hold.since), expiresAt: 0n } };
}

function reservedState({ owner, since, until }: Reservation) {
  return { owner, lockedAt: unixSeconds(since), expiresAt: unixSeconds(until) };
}

function unixSeconds(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds / 1000));
}

/** The bytes of a run's requests, of which one that is a whole file waits for memory. */
export function fileIntake(memory: FileMemory): Intake {
  const { method, typeName } = DeviceService;
  const path = `/${typeName}/${method.run.name}`;
  return (called, body, signal) => (called === path ? heldMessages(body, memory, signal) : body);
}
