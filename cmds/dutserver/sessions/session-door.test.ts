import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import type { Credentials } from "#pkg/auth/authority/issue.ts";
import type { Log } from "#pkg/log/log.ts";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import type { Guest } from "#pkg/protocol/connection-budget.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { listen, type ServerTls } from "#pkg/protocol/listener.ts";
import { upgrades } from "#pkg/relay/upgrade.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { memoryStore } from "#test/support/memory-store.ts";
import { openLab } from "../lab.ts";
import { parseRegistrationPolicy } from "../registrations/registration-policy.ts";
import { dialIn } from "../test/dialling-agent.ts";

const authority = await testAuthority();

/** A server for agents, with what it has logged, which limits were hit and what became of its guests. */
async function openServer(tls?: ServerTls) {
  await using open = new AsyncDisposableStack();
  const logged: string[] = [];
  const hits: string[] = [];
  const told: string[] = [];
  const write = (message: string) => void logged.push(message);
  const log: Log = { error: write, warn: write, info: write, debug() {}, with: () => log };
  const metrics = { ...noMetrics, limitHit: (limit: string) => void hits.push(limit) };
  const lab = open.use(
    await openLab({
      ...{ store: memoryStore(), isShared: false, server: () => "dutserver at test", log },
      ...{ metrics, registrations: parseRegistrationPolicy("127.0.0.0/8"), tls: () => undefined, failed: () => {} },
    }),
  );
  const listener = open.use(
    await listen(parseAddress("localhost:0"), lab.handler("lab"), {
      ...{ log, insecure: false, metrics, tls },
      upgrades: {
        [upgrades.agent]: (request, socket, head, guest) =>
          lab.sessions.upgrade(request, socket, head, overheard(guest, told)),
      },
    }),
  );
  const release = open.move();
  return { listener, logged, hits, told, [Symbol.asyncDispose]: () => release.disposeAsync() };
}

/** A guest of whom it is written down what he is told to be. */
function overheard(guest: Guest, told: string[]): Guest {
  const heard = (name: keyof Guest) => () => {
    told.push(name);
    guest[name]();
  };
  return { spoke: heard("spoke"), examined: heard("examined"), left: heard("left"), abused: heard("abused") };
}

type Server = Awaited<ReturnType<typeof openServer>>;

/** Asks to be taken for an agent, and says nothing more. */
function ask({ listener: { address } }: Server, own?: Credentials): Socket {
  const { host, port } = address as { host: string; port: number };
  const socket =
    own === undefined ? connect({ host, port }) : connectTls({ host, port, ca: authority.own.cert, ...own });
  socket.on("error", () => {});
  socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${upgrades.agent}\r\n\r\n`);
  return socket;
}

test("those who ask to be agents and prove nothing have few places, and an agent gets in beside them", async () => {
  await using server = await openServer();
  const liars: Socket[] = [];
  while (liars.length < limits.examined.fromHere + limits.silent.fromHere) {
    const more = Array.from({ length: limits.silent.fromHere }, () => ask(server));
    await Promise.all(more.map((liar) => once(liar, "data")));
    liars.push(...more);
  }
  const pushed = Promise.race(liars.map((liar) => once(liar, "close")));
  using agent = await dialIn(formatAddress(server.listener.address), { name: "bench", devices: [] });
  const verdict = await agent.next();
  await pushed;
  assert.deepEqual([verdict.case, server.hits.toSorted()], ["accepted", ["made_room", "silent_per_source"]]);
  for (const liar of liars) {
    liar.destroy();
  }
});

test("an agent is examined until it has proved its key, and is nobody's guest once it is here", async () => {
  await using server = await openServer();
  using agent = await dialIn(formatAddress(server.listener.address), { name: "bench", devices: [] });
  await agent.next();
  assert.deepEqual(server.told, ["examined", "spoke", "left"]);
});

test("many that hang up before they have said who they are make one line of the log", async () => {
  await using server = await openServer();
  const liars = Array.from({ length: 10 }, () => ask(server));
  await Promise.all(liars.map((liar) => once(liar, "data")));
  for (const liar of liars) {
    liar.destroy();
  }
  await Promise.all(liars.map((liar) => once(liar, "close")));
  using agent = await dialIn(formatAddress(server.listener.address), { name: "bench", devices: [] });
  await agent.next();
  assert.deepEqual(server.logged.filter((message) => message === "agent refused").length, 1);
});

test("an agent's certificate has two sessions, and a third takes the place of the oldest", async () => {
  await using server = await openServer({ ...(await authority.server()), clientCa: authority.own.cert });
  const [bench, rack] = [await authority.issue("agent", "bench"), await authority.issue("agent", "rack")];
  const sessions: Socket[] = [];
  for (const own of [rack, bench, bench]) {
    const session = ask(server, own);
    sessions.push(session);
    await once(session, "data");
  }
  const [other, oldest, newer] = sessions as [Socket, Socket, Socket];
  const dropped = once(oldest, "close");
  const newest = ask(server, bench);
  await Promise.all([once(newest, "data"), dropped]);
  assert.deepEqual(
    [[other, newer, newest].map(({ closed }) => closed), server.hits],
    [[false, false, false], ["sessions_per_agent"]],
  );
  for (const session of [other, newer, newest]) {
    session.destroy();
  }
});
