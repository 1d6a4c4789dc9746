import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, clientsOver, connectTo } from "#pkg/protocol/client.ts";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { type RunRequestSchema, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { callerOf } from "#pkg/protocol/headers.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { type RunExchange, runExchange, runMethods } from "#pkg/relay/run-request.ts";
import { PeerConnection } from "./cluster/peer-connection.ts";
import { relayRun } from "./relay-run.ts";
import { RunBudget, usualRunLimits } from "./run-budget.ts";
import { dialIn } from "./test/dialling-agent.ts";
import { openRelay, serverTitle } from "./test/open-relay.ts";

type Request = MessageInitShape<typeof RunRequestSchema>;

const start: Request = {
  device: "board",
  msg: { case: "start", value: { runId: "r-1", command: "power", args: ["on"], graceMs: 5_000n } },
};

async function* requests(...messages: Request[]) {
  yield* messages;
}

/** The call that the client made, as the notices of an agent that says what it was told. */
function repeating(call: string) {
  return async function* (
    messages: AsyncIterable<{ device: string; msg: { case?: string | undefined } }>,
    context: {
      requestHeader: Headers;
    },
  ) {
    const caller = callerOf(context.requestHeader.get("from")).name;
    for await (const { device, msg } of messages) {
      yield { msg: { case: "notice" as const, value: `${call} ${device} ${msg.case} ${caller}` } };
    }
  };
}

async function notices(answers: AsyncIterable<{ msg: { case?: string | undefined; value?: unknown } }>) {
  return (await Array.fromAsync(answers)).map(({ msg }) => msg.value);
}

test("Run and Attach of our protocol reach the agent that has the device of their first message, and who calls", async () => {
  await using relay = await openRelay();
  await relay.agent(["board"], (router) => {
    router.rpc(RunService.method.run, repeating("one runs"));
    router.rpc(RunService.method.attach, repeating("one attaches"));
  });
  await relay.agent(["other"], (router) => router.rpc(RunService.method.run, repeating("two runs")));
  const { runs } = relay.client;
  const input: Request = { msg: { case: "input", value: { data: Buffer.from("x") } } };
  assert.deepEqual(
    [
      await notices(runs.run(requests(start, input))),
      await notices(runs.run(requests({ ...start, device: "other" }))),
      await notices(runs.attach(requests({ device: "board", msg: { case: "resume", value: { runId: "r-1" } } }))),
    ],
    [
      ["one runs board start alice@h", "one runs  input alice@h"],
      ["two runs other start alice@h"],
      ["one attaches board resume alice@h"],
    ],
  );
});

test("an agent that does not know our protocol is heard saying so", async () => {
  await using relay = await openRelay();
  await relay.agent(["board"], (router) => router.service(DeviceService, {}));
  const { runs } = relay.client;
  for (const call of [runs.run(requests(start)), runs.attach(requests(start))]) {
    await assert.rejects(notices(call), { code: "unimplemented" });
  }
});

test("a call without a device, and one for a device that nobody has, is refused by the server", async () => {
  await using relay = await openRelay();
  const { runs } = relay.client;
  await assert.rejects(notices(runs.run(requests({ ...start, device: "" }))), {
    code: "invalid_argument",
    message: "the first message of Run names no device",
  });
  await assert.rejects(notices(runs.attach(requests(start))), {
    code: "not_found",
    message: 'device "board" not found',
  });
});

test("an agent's own error passes as it is, and an agent that cannot be reached or is lost is named", async () => {
  await using relay = await openRelay();
  const reached = Promise.withResolvers<void>();
  const agent = await relay.agent(["board"], (router) =>
    router.service(RunService, {
      async *run(messages) {
        yield { msg: { case: "started", value: { runId: "r-1" } } };
        reached.resolve();
        for await (const _ of messages) {
        }
      },
      attach: () => {
        throw new DutError("permission_denied", "the run is bob's");
      },
    }),
  );
  const { runs } = relay.client;
  await assert.rejects(notices(runs.attach(requests(start))), {
    code: "permission_denied",
    message: "the run is bob's",
  });
  const waiting = notices(
    runs.run(
      (async function* () {
        yield start;
        await new Promise(() => {});
      })(),
    ),
  );
  await reached.promise;
  await agent[Symbol.asyncDispose]();
  await assert.rejects(waiting, {
    code: "unavailable",
    message: `${serverTitle}: dutagent at ${agent.address} was lost in the middle of the run (the connection was lost)`,
  });
  await assert.rejects(notices(runs.run(requests(start))), {
    code: "unavailable",
    message: `${serverTitle}: dutagent at ${agent.address} does not answer: connect ECONNREFUSED ${agent.address.replace("localhost", "127.0.0.1")}`,
  });
});

test("people without a name are one user where they come in, and not again at the server that has the agent", async () => {
  await using relay = await openRelay();
  using agent = await dialIn(relay.address, {
    ...{ name: "bench", devices: ["board"] },
    routes: (router) =>
      router.rpc(RunService.method.run, async function* () {
        yield { msg: { case: "started", value: { runId: "r-1" } } };
        await new Promise(() => {});
      }),
  });
  await agent.next();
  await using peers = await listen(parseAddress("localhost:0"), relay.lab.handler("here"), {
    log: silentLog,
    insecure: false,
  });
  using otherServer = connectTo(peers.address, { identity: undefined });
  using client = connectTo(parseAddress(relay.address), { identity: undefined });
  const begin = ({ runs }: Connection) => runs.run(lasting())[Symbol.asyncIterator]().next();
  for (let count = 0; count <= usualRunLimits.perUser; count += 1) {
    await begin(otherServer);
  }
  const { value } = await begin(client);
  assert.equal(value?.msg.case, "started");
});

async function* lasting() {
  yield start;
  await new Promise(() => {});
}

test("a run whose client leaves while its agent's server is still being reached is given up, and that call alone", async (t) => {
  await using silent = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  using connection = new PeerConnection({ kind: "tcp", host: "127.0.0.1", port }, () => undefined);
  const callee = {
    title: "dutserver at there",
    clients: clientsOver(connection, { identity: undefined }),
    openForRun: () => ({ request: connection.request.bind(connection), [Symbol.dispose]() {} }),
  };
  const budget = new RunBudget(usualRunLimits, noMetrics);
  const relaying = {
    reach: {
      scope: "lab",
      server: serverTitle,
      callees: [],
      calleeOf: () => ({ callee, agent: "bench", isHere: false }),
    } as const,
    ...{ budget, metrics: noMetrics, log: silentLog, refusals: silentLog },
  };
  await using server = await listen(
    parseAddress("localhost:0"),
    (request, response) => void relayRun(relaying, runExchange(request, response, runMethods) as RunExchange),
    { log: silentLog, insecure: false },
  );
  using client = connectTo(server.address, { identity: undefined });
  const leaving = new AbortController();
  const run = notices(client.runs.run(requests(start), { signal: leaving.signal }));
  await once(silent, "connection");
  const other = connection.request("POST", "/", {}).then(
    () => "reached",
    () => "given up",
  );
  leaving.abort();
  await assert.rejects(run, { code: "canceled" });
  assert.equal(await Promise.race([budget.ended(t.signal).then(() => "over"), other]), "over");
  connection[Symbol.dispose]();
  await other;
});
