import type { CommandRow, DeviceEntry, DeviceRow, Hold, RunEnd, RunRow } from "./content.ts";

/** What the structured formats print. The order of keys is the order in the output. */
export type Tree = string | number | boolean | null | Uint8Array | readonly Tree[] | { readonly [key: string]: Tree };

/** Our own shapes, the same in every structured format. What is not known or not there is null; times are RFC 3339 in UTC. */
export function deviceTree({ name, state, description, labels, reason, offlineSinceMs, lock, hold }: DeviceRow): Tree {
  return {
    name,
    state,
    description,
    labels,
    reason,
    offlineSince: offlineSinceMs === 0 ? null : moment(offlineSinceMs),
    lock: lock === undefined ? null : lockTree(lock),
    hold: hold === undefined ? null : holdTree(hold),
  };
}

/** A device of the short list in the same shape. */
export function deviceEntryTree({ name, lock }: DeviceEntry): Tree {
  const isBusy = lock !== undefined && lock.expiresAt === 0;
  return {
    name,
    state: lock === undefined ? "free" : isBusy ? "busy" : "locked",
    description: null,
    labels: null,
    reason: null,
    offlineSince: null,
    lock: lock === undefined || isBusy ? null : lockTree(inMilliseconds(lock)),
    hold: isBusy ? { owner: lock.owner, since: moment((lock.lockedAt ?? 0) * 1000), run: null, command: null } : null,
  };
}

function inMilliseconds({ owner, lockedAt = 0, expiresAt }: NonNullable<DeviceEntry["lock"]>) {
  return { owner, sinceMs: lockedAt * 1000, untilMs: expiresAt * 1000 };
}

function lockTree({ owner, sinceMs, untilMs }: NonNullable<DeviceRow["lock"]>): Tree {
  return { owner, since: moment(sinceMs), until: moment(untilMs) };
}

function holdTree({ owner, sinceMs, runId, command }: Hold): Tree {
  return { owner, since: moment(sinceMs), run: runId, command };
}

export function commandTree({ name, description, passthrough, disabled, modules, ...row }: CommandRow): Tree {
  return {
    name,
    description,
    arguments: row.arguments.map((argument) => ({ name: argument.name, description: argument.description })),
    passthrough,
    disabled,
    modules,
  };
}

export function runTree({ runId, device, command, args, owner, sinceMs, attached, graceUntilMs, end }: RunRow): Tree {
  return {
    run: runId,
    device,
    command,
    args,
    owner,
    since: moment(sinceMs),
    attached,
    graceUntil: moment(graceUntilMs),
    end: end === undefined ? null : endTree(end),
  };
}

export function endTree({ exitStatus, code, message, hint }: RunEnd): Tree {
  return { exitStatus: exitStatus ?? null, code, message, hint: hint === "" ? null : hint };
}

/** Null for 0, which says that it is not known, and for what no calendar has. */
function moment(ms: number): string | null {
  const date = new Date(ms);
  return ms === 0 || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
