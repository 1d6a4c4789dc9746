import type { ConnectRouter, HandlerContext } from "@connectrpc/connect";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import { dutErrorFrom } from "#pkg/protocol/fault.ts";
import { type RunRequest, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type Caller, callerOf, fromHeader } from "#pkg/protocol/headers.ts";
import { type CallStream, callStreamKey } from "#pkg/protocol/rpc-handler.ts";
import type { Attachment } from "#pkg/session/attachment.ts";
import type { RunEngine } from "#pkg/session/run-engine.ts";
import { within } from "#pkg/session/time-limit.ts";
import { hear } from "./lab-requests.ts";
import { type Response, responseOf, runInfoOf, startedOf } from "./lab-responses.ts";
import { breakingOff, deadlineOver, endedInOrder, goneReason, type RunCall, unfit } from "./run-call.ts";

/** How long a client gets to say that it has the end, in milliseconds. */
const farewellMs = 5_000;

/** A client whose deadline has come resets its stream, which is here before the agent's own clock says so. */
const deadlineSlackMs = 1_000;

interface LabCall extends RunCall<RunRequest> {
  /** Milliseconds until the deadline of the call; undefined without one. */
  readonly timeLeft: () => number | undefined;
}

/** RunService of one agent: the engine in the messages of dutlab.v1. */
export function runRoutes(engine: RunEngine, log: Log): (router: ConnectRouter) => void {
  return (router) => {
    router.service(RunService, {
      run: (requests, context) => {
        const call = callOf(requests, context);
        return serve(call, log, (first) => start(engine, first, call.caller));
      },
      attach: (requests, context) => {
        const call = callOf(requests, context);
        return serve(call, log, (first) => attach(engine, first, call.caller));
      },
      cancel({ device, runId }, context) {
        engine.cancel(device, runId, callerIn(context).name, "");
        return {};
      },
      listRuns: ({ device }) => ({ runs: engine.list(device === "" ? undefined : device).map(runInfoOf) }),
    });
  };
}

function callerIn(context: HandlerContext): Caller {
  return callerOf(context.requestHeader.get(fromHeader));
}

function callOf(requests: AsyncIterable<RunRequest>, context: HandlerContext): LabCall {
  const { signal, timeoutMs: timeLeft } = context;
  return { requests, caller: callerIn(context), signal, stream: context.values.get(callStreamKey), timeLeft };
}

function start(engine: RunEngine, { device, msg }: RunRequest, caller: Caller): Attachment {
  if (msg.case !== "start") {
    throw new DutError("invalid_argument", "the first message of Run must be a start");
  }
  const { runId, command, args, terminal, graceMs } = msg.value;
  return engine.start({
    device,
    command,
    args,
    owner: caller.name,
    anonymous: caller.kind === "anonymous",
    id: runId,
    terminal: terminal && {
      type: terminal.type,
      size: { rows: terminal.size?.rows ?? 0, columns: terminal.size?.columns ?? 0 },
    },
    graceMs: Number(graceMs),
  });
}

function attach(engine: RunEngine, { device, msg }: RunRequest, caller: Caller): Attachment {
  if (msg.case !== "resume") {
    throw new DutError("invalid_argument", "the first message of Attach must be a resume");
  }
  const { runId, offset, terminal } = msg.value;
  const size = terminal?.size;
  return engine.attach(device, runId, caller.name, { offset: Number(offset), ...(size === undefined ? {} : { size }) });
}

/** Tells a client what its run says until it has the end, and hears it beside. */
async function* serve(call: LabCall, log: Log, begin: (first: RunRequest) => Attachment): AsyncGenerator<Response> {
  const { signal } = call;
  const messages = call.requests[Symbol.asyncIterator]();
  const first = await messages.next().catch((error: unknown) => {
    throw signal.aborted ? goneReason(signal) : dutErrorFrom(error);
  });
  if (first.done === true) {
    throw new DutError("invalid_argument", "the call ended before its first message");
  }
  const client = begin(first.value);
  using _ = breakingOff(client, call);
  const { id: run, device, owner: user } = client.run.facts;
  const requestSide = new RequestSide(client, messages, call.stream, sparing(log.with({ user, device, run })));
  // A message that is refused closes the request as a client that goes does; the refusal comes in the same turn.
  const clientGone = () => void setImmediate(() => leave(client, call));
  signal.addEventListener("abort", clientGone);
  try {
    yield startedOf(client.run);
    for (let said = await client.next(); said !== undefined; said = await client.next()) {
      yield responseOf(said);
      if (requestSide.state === "closed" && said.kind === "entry") {
        client.take(said.entry.offset + said.entry.length);
      }
    }
    if (await requestSide.closedWithin(farewellMs)) {
      client.acknowledge();
    }
  } finally {
    signal.removeEventListener("abort", clientGone);
    leave(client, call);
  }
}

/** The client is gone, or gave the call a time that is over: then nobody will come back for the run. */
function leave(client: Attachment, { signal, timeLeft }: LabCall): void {
  const late = signal.aborted && (timeLeft() ?? Number.POSITIVE_INFINITY) < deadlineSlackMs;
  const reason = late ? deadlineOver() : goneReason(signal);
  if (client.current && late) {
    client.run.stop(reason);
  }
  client.lose(reason);
}

/** What the client of a run says, until it has nothing more to say. */
class RequestSide {
  /** A client that has closed its side cannot say what it takes; what the transport accepts counts as taken then. */
  state: "open" | "closed" | "broken" = "open";
  readonly #over: Promise<void>;

  constructor(client: Attachment, messages: AsyncIterator<RunRequest>, stream: CallStream, log: Log) {
    this.#over = this.#hear(client, messages, stream, log);
  }

  /** Whether the client has closed its side in an orderly way within so many milliseconds. */
  async closedWithin(ms: number): Promise<boolean> {
    await within(ms, "the farewell of a client", this.#over).catch(() => undefined);
    return this.state === "closed";
  }

  async #hear(client: Attachment, messages: AsyncIterator<RunRequest>, stream: CallStream, log: Log): Promise<void> {
    const { run } = client;
    try {
      for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
        if (client.current) {
          this.#obey(client, next.value.msg, log);
        }
      }
      this.state = (await endedInOrder(stream, run)) ? "closed" : "broken";
    } catch (error) {
      this.state = "broken";
      const refusal = unfit(error);
      if (refusal !== undefined && client.current) {
        run.stop(refusal);
      }
    }
    // A broken stream ends the attachment through the call's signal; it is not the end of the input.
    if (this.state === "closed" && client.current) {
      run.conversation.endOfInput();
      run.conversation.endOfFiles();
      client.take(client.heard);
    }
  }

  /** A message that does not fit ends the run; its client may still say what it takes, and hears the end. */
  #obey(client: Attachment, msg: RunRequest["msg"], log: Log): void {
    try {
      hear(client, msg, log);
    } catch (error) {
      client.run.stop(dutErrorFrom(error));
    }
  }
}
