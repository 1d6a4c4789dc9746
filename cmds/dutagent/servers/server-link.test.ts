import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { clientFor } from "#pkg/protocol/client.ts";
import { type Hello, type OpenResponse, SessionService } from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { Feed } from "#pkg/relay/feed.ts";
import { checkSessionProof } from "#pkg/relay/session-proof.ts";
import { Tunnel } from "#pkg/relay/tunnel.ts";
import { acceptUpgrade, upgrades } from "#pkg/relay/upgrade.ts";
import { pseudoRandom } from "#test/support/pseudo-random.ts";
import { openLink } from "../test/open-link.ts";
import { reconnectDelay } from "./reconnect-delay.ts";

type Said =
  Parameters<ReturnType<typeof clientFor<typeof SessionService>>["open"]>[0] extends AsyncIterable<infer T> ? T : never;

const nonce = Buffer.alloc(32, 7);

/** A session as a server has it. */
interface ServerEnd {
  readonly tunnel: Tunnel;
  say(message: Said): void;
  hear(): Promise<OpenResponse["msg"]>;
}

/** A server whose part the test plays. */
async function openServer(): Promise<Pick<Listener, "address"> & AsyncDisposable & { arrival(): Promise<ServerEnd> }> {
  const arrivals = new Feed<ServerEnd>();
  const waiting = arrivals[Symbol.asyncIterator]();
  const open = new Set<Tunnel>();
  const arrive = async (socket: Socket) => {
    await acceptUpgrade(socket, upgrades.agent);
    const tunnel = new Tunnel(socket, "the agent");
    open.add(tunnel);
    const out = new Feed<Said>();
    const heard = clientFor(SessionService, tunnel, { identity: undefined }).open(out)[Symbol.asyncIterator]();
    out.push({ msg: { case: "challenge", value: { nonce } } });
    arrivals.push({
      tunnel,
      say: (message) => out.push(message),
      hear: async () => (await heard.next()).value?.msg ?? { case: undefined },
    });
  };
  const listener = await listen(
    parseAddress("localhost:0"),
    (_, response) => {
      response.statusCode = 404;
      response.end();
    },
    {
      ...{ log: silentLog, insecure: false },
      upgrades: {
        [upgrades.agent]: (_request, socket, _head, guest) => {
          guest.left();
          void arrive(socket);
        },
      },
    },
  );
  return {
    address: listener.address,
    arrival: async () => (await waiting.next()).value,
    async [Symbol.asyncDispose]() {
      for (const tunnel of open) {
        tunnel[Symbol.dispose]();
      }
      await listener[Symbol.asyncDispose]();
    },
  };
}

const accepted: Said = { msg: { case: "accepted", value: { epoch: 1n } } };

function helloIn(said: OpenResponse["msg"]): Hello {
  assert.equal(said.case, "hello");
  return said.value as Hello;
}

test("an agent says who it is, and proves it", async (t) => {
  await using server = await openServer();
  await using _ = await openLink(t, { servers: [server.address] });
  const end = await server.arrival();
  const { agent, bootId, publicKey, signature, devices, lockFence } = helloIn(await end.hear());
  checkSessionProof({ nonce, agent, bootId }, publicKey, signature);
  assert.deepEqual(
    [agent, lockFence, devices?.devices.map(({ name, description, labels }) => ({ name, description, labels }))],
    ["bench", 7n, [{ name: "board", description: "the board", labels: { row: "1" } }]],
  );
});

test("a change of its devices is told at once, and what changes nothing is not", async (t) => {
  await using server = await openServer();
  await using link = await openLink(t, { servers: [server.address] });
  const end = await server.arrival();
  await end.hear();
  end.say(accepted);
  link.configure("board");
  link.configure("board", "plank");
  const said = await end.hear();
  assert.deepEqual(said.case === "devices" && said.value.devices.map(({ name }) => name), ["board", "plank"]);
});

test("an agent that lost its server dials the next one of the list, and goes round", async (t) => {
  await using one = await openServer();
  await using two = await openServer();
  await using link = await openLink(t, { servers: [one.address, two.address] });
  for (const server of [one, two, one]) {
    const end = await server.arrival();
    await end.hear();
    end.say(accepted);
    await link.said("info attached");
    end.tunnel.drop("the test pulls the cable");
  }
});

test("an agent that is sent away attaches elsewhere, and what is open at the first server goes on", async (t) => {
  await using one = await openServer();
  await using two = await openServer();
  await using _ = await openLink(t, { servers: [one.address, two.address] });
  const first = await one.arrival();
  await first.hear();
  first.say(accepted);
  first.say({ msg: { case: "leave", value: { reason: "dutserver is shutting down" } } });
  const second = await two.arrival();
  assert.equal((await second.hear()).case, "hello");
  assert.equal(first.tunnel.openStreams, 1);
});

test("a refusal is logged once, and the agent does not give up", async (t) => {
  await using server = await openServer();
  await using link = await openLink(t, { servers: [server.address] });
  for (let round = 0; round < 3; round++) {
    const end = await server.arrival();
    await end.hear();
    end.say({ msg: { case: "refusal", value: { code: "already_exists", message: "the name is taken" } } });
    await end.tunnel.closed;
  }
  await link.stop();
  assert.deepEqual(
    link.lines.filter((line) => line.startsWith("error")),
    ["error not attached, trying again"],
  );
});

test("an agent that stops says goodbye", async (t) => {
  await using server = await openServer();
  await using link = await openLink(t, { servers: [server.address] });
  const end = await server.arrival();
  await end.hear();
  end.say(accepted);
  await link.said("info attached");
  await link.stop();
  link.link.goodbye("dutagent is shutting down");
  const said = await end.hear();
  assert.deepEqual(said.case === "goodbye" && said.value.reason, "dutagent is shutting down");
});

test("of a thousand agents that have lost their server no more than a fifth try it again in any second", () => {
  const random = pseudoRandom(3);
  const attempts = Array.from({ length: 1000 }, () => {
    let at = reconnectDelay(0, random);
    return Array.from({ length: 10 }, (_, index) => {
      at += reconnectDelay(index + 1, random);
      return at;
    });
  }).flat();
  const inSecond = (begin: number) => attempts.filter((at) => at >= begin && at < begin + 1_000).length;
  const busiest = Math.max(...Array.from({ length: 400 }, (_, step) => inSecond(step * 100)));
  assert.ok(busiest <= 200, `${busiest} in one second`);
});

test("the first attempt after a loss comes within a second, and none is more than 30 s after the one before", () => {
  const seconds = (attempt: number, drawn: number) => reconnectDelay(attempt, () => drawn) / 1000;
  const attempts = [0, 1, 2, 3, 20];
  assert.deepEqual(
    attempts.map((attempt) => seconds(attempt, 1).toFixed(2)),
    ["1.00", "12.00", "14.40", "17.28", "30.00"],
  );
  assert.deepEqual(
    attempts.map((attempt) => seconds(attempt, 0).toFixed(2)),
    ["0.00", "1.20", "1.44", "1.73", "3.00"],
  );
});
