import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { isSea } from "node:sea";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Address } from "#pkg/protocol/address.ts";
import { reasonOf } from "../files/errno.ts";
import type { World } from "../world.ts";
import { agentWords } from "./agent-words.ts";
import { joinAgent, type Membership } from "./join-agent.ts";
import { openPlace } from "./place.ts";
import { type StartedAgent, startAgent } from "./start-agent.ts";

/** How often an agent that is coming up is looked for, in milliseconds. */
const lookMs = 25;

/** An agent of this computer that stays at least until this is disposed. */
export interface LocalAgent extends Disposable {
  readonly address: Address;
}

/**
 * Joins the agent that serves a configuration on this computer for whoever needs it, or starts it; it stops by itself some
 * seconds after its last user has gone. However many do this at once, one agent serves.
 *
 * Throws invalid_argument for a configuration that cannot be read or used, unavailable for an agent that does not start,
 * permission_denied when the place for its socket is somebody else's.
 */
export async function openLocalAgent(file: string, world: World, log: Log): Promise<LocalAgent> {
  const { env, signal } = world;
  const config = await realPathOf(file, world.directory);
  const place = await openPlace(config, { env, uid: process.getuid?.() ?? 0 });
  const member = await becomeUser(place.users, signal, async () =>
    startAgent({ words: await agentWords(thisProgram(env.PATH)), config, place, env }),
  );
  for (const note of member.notes) {
    log.warn(note);
  }
  return { address: { kind: "unix", path: place.socket }, [Symbol.dispose]: () => member[Symbol.dispose]() };
}

async function realPathOf(file: string, directory: string): Promise<string> {
  try {
    return await realpath(resolve(directory, file));
  } catch (error) {
    throw new DutError("invalid_argument", `cannot read ${file}: ${reasonOf(error)}`, {
      hint: "name the configuration of a bench with -local",
      cause: error,
    });
  }
}

/** Who finds nobody starts an agent; of several that are started one serves, and the others are ended by who started them. */
async function becomeUser(users: string, signal: AbortSignal, start: () => Promise<StartedAgent>): Promise<Membership> {
  await using own = new AsyncDisposableStack();
  let started: StartedAgent | undefined;
  for (;;) {
    const member = await joinAgent(users, signal);
    if (member !== undefined) {
      if (started?.pid === member.pid) {
        started.letGo();
      }
      return member;
    }
    started ??= own.use(await start());
    const over = await Promise.race([started.ended.then(() => true), delay(lookMs, false, { signal })]);
    if (over) {
      started = undefined;
    }
  }
}

function thisProgram(path: string | undefined) {
  return {
    executable: process.execPath,
    agentSource: isSea() ? undefined : fileURLToPath(new URL("../../dutagent/dutagent.ts", import.meta.url)),
    path,
  };
}
