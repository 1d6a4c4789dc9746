import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { formatAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { brokeInTheMiddle, saidByPeer } from "#pkg/protocol/grpc/status.ts";
import { compareVersions, protocolVersion } from "#pkg/protocol/version.ts";
import type { Context } from "./commands/context.ts";
import { CommandFailed, RunLost, TakenOver } from "./commands/run/endings.ts";
import { isTaken } from "./exit-codes.ts";
import type { Invocation } from "./grammar.ts";
import { defaultIdentity } from "./identity.ts";
import { OutputClosed } from "./stdio.ts";
import { suggestionFor } from "./suggest.ts";
import { tellWhenLate } from "./tell-when-late.ts";
import type { TlsSettings } from "./tls/tls-settings.ts";

/** An invocation that an agent or a server answers. */
export type Call = Exclude<Invocation, { name: "help" | "version" | "config" | "completion" | "complete" | "invalid" }>;

/** Makes one call. Throws the DutError to show when it fails or its signal is aborted, and OutputClosed. */
export async function callAgent(
  call: Call,
  surroundings: Pick<Context, "out" | "subject" | "log" | "world">,
): Promise<void> {
  const { log, world } = surroundings;
  const { options } = call;
  using local = options.local === undefined ? undefined : await localAgent(options.local, surroundings);
  const servers = local === undefined ? options.servers : [local.address];
  const secured = local === undefined && options.tls !== undefined ? await secure(options.tls) : undefined;
  const identity = options.identity ?? secured?.name ?? defaultIdentity(world, log);
  using connection = connectTo(servers, {
    identity,
    tls: secured?.tls,
    onPeerVersion: (version) => reportVersion(version ?? "", log),
  });
  const { devices } = connection;
  const context: Context = {
    ...surroundings,
    connection,
    devices,
    server: servers.map(formatAddress).join(","),
    options,
    identity,
  };
  try {
    await patiently(call, context);
  } catch (error) {
    if (error instanceof OutputClosed || world.signal.aborted) {
      throw error;
    }
    const fault = error instanceof DutError ? error : new DutError("unknown", messageOf(error), { cause: error });
    throw await described(fault, call, context);
  }
}

async function localAgent(config: string, { world, log }: Pick<Context, "world" | "log">) {
  const { openLocalAgent } = await import("./local/open-local-agent.ts");
  return openLocalAgent(config, world, log);
}

async function secure(settings: TlsSettings) {
  const { readTls } = await import("./tls/read-tls.ts");
  return readTls(settings);
}

/** Tries again, when that is wanted, for as long as somebody else has the device. */
async function patiently(call: Call, context: Context): Promise<void> {
  if (call.options.waitMs === 0 || !(call.name === "run" || call.name === "lock")) {
    using _ = lasting.has(call.name) ? undefined : tellWhenLate(context);
    return await dispatch(call, context);
  }
  const { whileTaken } = await import("./while-taken.ts");
  return whileTaken(call.device, context, () => dispatch(call, context));
}

/** What takes as long as it takes, and says itself when nobody answers. */
const lasting: ReadonlySet<Call["name"]> = new Set(["run", "attach", "watch"]);

async function dispatch(call: Call, context: Context): Promise<void> {
  switch (call.name) {
    case "list":
      return (await import("./commands/list.ts")).list(context);
    case "describe":
      return (await import("./commands/describe.ts")).describe(call, context);
    case "watch":
      return (await import("./commands/watch.ts")).watch(call, context);
    case "runs":
      return (await import("./commands/runs.ts")).runs(call, context);
    case "attach":
      return (await import("./commands/attach.ts")).attach(call, context);
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

/** The error in the words of a user who knows an address and what was asked. */
async function described(error: DutError, call: Call, context: Context): Promise<DutError> {
  const { server, out } = context;
  if (error instanceof CommandFailed || error instanceof RunLost || error instanceof TakenOver) {
    return error;
  }
  if (call.name === "run" && brokeInTheMiddle(error)) {
    return new RunLost(server, error.message, error);
  }
  if (error.code === "unavailable" && !saidByPeer(error)) {
    return reworded(error, `cannot reach dutagent at ${server} (${error.message})`);
  }
  if (error.code === "unimplemented") {
    return reworded(error, `${server} does not know how to ${abilities[call.name]}`);
  }
  if (error.code === "not_found" && out.format === "text") {
    return reworded(error, error.message, error.hint ?? (await suggestionFor(call, context)));
  }
  if (isTaken(error) && out.format === "text") {
    return reworded(error, error.message, error.hint ?? hintFor(error));
  }
  return error;
}

/** A refusal without a time is that of a run: its text is one of the old protocol, which calls that locked too. */
function hintFor({ message }: DutError): string {
  return /" is locked by "(?:[^"\\]|\\.)*"$/.test(message)
    ? "it is in use by a command; -wait waits until it is free"
    : "-wait waits until it is free";
}

const abilities: Readonly<Record<Call["name"], string>> = {
  list: "list devices",
  describe: "describe devices",
  watch: "tell of changes",
  runs: "list runs",
  attach: "attach to runs",
  commands: "list commands",
  details: "describe commands",
  run: "run commands this way",
  lock: "lock devices",
  unlock: "unlock devices",
};

function reworded(error: DutError, message: string, hint = error.hint): DutError {
  return new DutError(error.code, message, { cause: error.cause, ...(hint === undefined ? {} : { hint }) });
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
