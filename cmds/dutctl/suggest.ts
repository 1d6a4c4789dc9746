import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import { limits } from "#pkg/protocol/limits.ts";
import type { Context } from "./commands/context.ts";
import type { Invocation } from "./grammar.ts";

/** A suggestion is not worth a longer wait. Milliseconds. */
const patienceMs = Math.min(2_000, limits.unaryMs);

/** What the user may have meant when the agent knows no such device or command; undefined when nothing is close. */
export async function suggestionFor(invocation: Invocation, context: Context): Promise<string | undefined> {
  if (!("device" in invocation) || invocation.device === undefined) {
    return undefined;
  }
  const { devices, world, log } = context;
  const call = { signal: world.signal, timeoutMs: patienceMs };
  const { device } = invocation;
  try {
    const names = (await devices.list({}, call)).devices.map(({ name }) => name);
    if (!names.includes(device)) {
      return question(nearest(device, names));
    }
    if (!("command" in invocation)) {
      return undefined;
    }
    const { commands } = await devices.commands({ device }, call);
    return commands.includes(invocation.command) ? undefined : question(nearest(invocation.command, commands));
  } catch (error) {
    log.debug("looking for similar names failed", { err: error });
    return undefined;
  }
}

function question(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean ${quote(name)}?`;
}
