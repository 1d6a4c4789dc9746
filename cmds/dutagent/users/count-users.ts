import { stat } from "node:fs/promises";
import type { Locks } from "#pkg/lock/locks.ts";
import { openUsers, type Users } from "./users.ts";

/** What tells one version of a file from another; undefined of a file that cannot be looked at. */
export interface FileMark {
  readonly path: string;
  readonly mark: string | undefined;
}

/** A file as it is now. */
export async function markOf(path: string): Promise<FileMark> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true });
    return { path, mark: [dev, ino, size, mtimeNs].join(" ") };
  } catch {
    // Whoever reads it says what is wrong with it.
    return { path, mark: undefined };
  }
}

export interface Counted {
  /** Where users connect; undefined for an agent that stays without any. */
  readonly at: string | undefined;
  /** The configuration as it was read last. */
  readonly config: () => FileMark;
  readonly devices: () => Iterable<string>;
  readonly locks: Locks;
}

/** Counts an agent's users, of whom a run is one, also one whose client is away for a while. */
export async function countUsers({ at, config, devices, locks }: Counted): Promise<Users> {
  if (at === undefined) {
    return { unused: new AbortController().signal, look() {}, async [Symbol.asyncDispose]() {} };
  }
  const users = await openUsers(at, {
    busy: () => Iterator.from(devices()).some((device) => locks.holdOf(device) !== undefined),
    outdated: async () => {
      const { path, mark } = config();
      return (await markOf(path)).mark === mark ? undefined : outdatedNote(path);
    },
  });
  const changes = locks.onChange(() => users.look());
  return {
    unused: users.unused,
    look: () => users.look(),
    async [Symbol.asyncDispose]() {
      changes[Symbol.dispose]();
      await users[Symbol.asyncDispose]();
    },
  };
}

function outdatedNote(path: string): string {
  return `${path} has changed, and others still use what was read before: it is read again when they have gone`;
}
