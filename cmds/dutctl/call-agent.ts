import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { brokeInTheMiddle, saidByPeer } from "#pkg/protocol/grpc/status.ts";
import { compareVersions, protocolVersion } from "#pkg/protocol/version.ts";
import type { Context } from "./commands/context.ts";
import type { Invocation } from "./grammar.ts";
import { defaultIdentity } from "./identity.ts";
import { OutputClosed } from "./stdio.ts";
import { suggestionFor } from "./suggest.ts";

/** An invocation that an agent or a server answers. */
export type Call = Exclude<Invocation, { name: "help" | "version" | "invalid" }>;

export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "interrupted" }
  | { readonly kind: "failed"; readonly message: string; readonly hint: string | undefined };

/** Makes one call and says how it ended. Throws only what is no outcome: a closed pipe, or a fault of ours. */
export async function callAgent(call: Call, surroundings: Pick<Context, "out" | "log" | "world">): Promise<Outcome> {
  const { log, world } = surroundings;
  const { server, identity } = call.options;
  using connection = connectTo(server, {
    identity: identity ?? defaultIdentity(world, log),
    onPeerVersion: (version) => reportVersion(version ?? "", log),
  });
  const context: Context = { ...surroundings, devices: connection.devices, server: formatAddress(server) };
  try {
    await dispatch(call, context);
    return { kind: "done" };
  } catch (error) {
    if (error instanceof OutputClosed) {
      throw error;
    }
    if (world.signal.aborted) {
      return { kind: "interrupted" };
    }
    const fault = error instanceof DutError ? error : new DutError("unknown", messageOf(error), { cause: error });
    return await describe(fault, call, context);
  }
}

async function dispatch(call: Call, context: Context): Promise<void> {
  switch (call.name) {
    case "list":
      return (await import("./commands/list.ts")).list(context);
    case "commands":
      return (await import("./commands/commands.ts")).commands(call, context);
    case "details":
      return (await import("./commands/details.ts")).details(call, context);
    case "run":
      return (await import("./commands/run.ts")).run(call, context);
    case "lock":
      return (await import("./commands/lock.ts")).lock(call, context);
    case "unlock":
      return (await import("./commands/unlock.ts")).unlock(call, context);
  }
}

async function describe(error: DutError, call: Call, context: Context): Promise<Outcome> {
  const failed = (message: string, hint: string | undefined): Outcome => ({ kind: "failed", message, hint });
  if (call.name === "run" && brokeInTheMiddle(error)) {
    const hint = "the command may or may not have done its work: look before you repeat it";
    return failed(`lost the connection to ${context.server} in the middle of the run (${error.message})`, hint);
  }
  if (error.code === "unavailable" && !saidByPeer(error)) {
    return failed(`cannot reach dutagent at ${context.server} (${error.message})`, error.hint);
  }
  if (error.code === "unimplemented" && (call.name === "lock" || call.name === "unlock")) {
    return failed(`${context.server} does not know how to ${call.name} devices`, error.hint);
  }
  if (error.code === "not_found" && context.out.format === "text") {
    return failed(error.message, error.hint ?? (await suggestionFor(call, context)));
  }
  return failed(error.message, error.hint);
}

/** Tells how our version relates to the peer's; it never fails a call. */
function reportVersion(peer: string, log: Context["log"]): void {
  log.info(`dutagent version: ${peer}`);
  const relation = compareVersions(protocolVersion, peer);
  if (relation.kind === "compatible") {
    return;
  }
  const order = relation.order === "different" ? "differs from" : `is ${relation.order} than`;
  log.warn(`dutctl client ${protocolVersion} ${order} dutagent ${peer} (${relation.reason})`);
}
