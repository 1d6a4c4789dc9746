import assert from "node:assert/strict";
import { once } from "node:events";
import type { ClientHttp2Stream } from "node:http2";
import { suite, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { RunRequestSchema as V1Request } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { RunRequestSchema as LabRequest } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { type Daemon, Lab, shellCommand } from "#test/support/lab.ts";
import { peakMegabytes, resetPeak } from "#test/support/process-memory.ts";
import { openCalmCanary } from "./canary.ts";
import { untilFree } from "./free-devices.ts";

/** Generous, for what a garbage collector leaves lying when the computer is busy: a tenth of what waits to be read. */
const mostGrownMegabytes = 128;

const board = {
  cmds: { sh: shellCommand, flood: { uses: [{ module: "shell", args: ["head -c 1073741824 /dev/zero"] }] } },
};

/** Begins a run of `flood` on a device and reads nothing of what it says. */
async function startUnread(session: Http2Session, protocol: "v1" | "lab", device: string): Promise<ClientHttp2Stream> {
  const headers = { "content-type": "application/grpc", te: "trailers" };
  const [path, first] =
    protocol === "v1"
      ? [
          "/dutctl.v1.DeviceService/Run",
          toBinary(V1Request, create(V1Request, { msg: { case: "command", value: { device, command: "flood" } } })),
        ]
      : [
          "/dutlab.v1.RunService/Run",
          toBinary(
            LabRequest,
            create(LabRequest, {
              device,
              msg: { case: "start", value: { runId: crypto.randomUUID(), command: "flood" } },
            }),
          ),
        ];
  const stream = await session.request("POST", path, headers);
  stream.on("error", () => {});
  stream.write(enveloped(first, 1024));
  return stream;
}

function pidOf({ process: { pid } }: Daemon): number {
  assert.ok(pid !== undefined);
  return pid;
}

/** What a process needs at most while something happens, beyond what it needed before, in megabytes. */
async function growth(daemon: Daemon): Promise<() => Promise<number>> {
  const pid = pidOf(daemon);
  await resetPeak(pid);
  const before = await peakMegabytes(pid);
  return async () => (await peakMegabytes(pid)) - before;
}

// Each waits a minute for the agent's patience to end: both wait at once.
suite("a client that never reads", { concurrency: 2 }, () => {
  for (const protocol of ["v1", "lab"] as const) {
    test(`a client that never reads costs little memory and is given up after a minute, over ${protocol}`, async (t) => {
      await using lab = await Lab.open(t.signal);
      const server = await lab.server("-log", "info");
      const agent = await lab.agent({ board, other: board }, "-server", server.address, "-log", "info");
      await using canary = await openCalmCanary(server, "other", agent);
      const [ofServer, ofAgent] = await Promise.all([growth(server), growth(agent)]);
      using session = new Http2Session(parseAddress(server.address), { pingWhenIdle: false });
      const begun = performance.now();
      const stream = await startUnread(session, protocol, "board");
      await agent.said("stderr", /"device":"board"[^\n]*"msg":"run ended"/);
      const seconds = (performance.now() - begun) / 1000;
      const grown = [await ofServer(), await ofAgent()].map(Math.round);
      t.diagnostic(`given up after ${seconds.toFixed(1)} s; server +${grown[0]} MB, agent +${grown[1]} MB`);
      // Either of them has the patience of a minute and looks now and then: who looks first gives up, and says why.
      const reasons = [
        agent.said("stderr", /has taken no output for/),
        server.said("stderr", /took no output for a minute/),
      ];
      await Promise.any(reasons);
      assert.ok(seconds > 55 && seconds < 90, `${seconds} s`);
      assert.ok(
        grown.every((megabytes) => megabytes < mostGrownMegabytes),
        `grown by ${grown} MB`,
      );
      stream.destroy();
      await canary.stop(t);
      await untilFree(agent);
    });
  }
});

test("a hundred clients that never read leave the server small and everybody else served", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-log", "info", "-limit", "runs-per-user=200", "-limit", "runs-per-agent=200");
  const names = Array.from({ length: 100 }, (_, index) => `board-${index}`);
  const agent = await lab.agent(
    { other: board, ...Object.fromEntries(names.map((name) => [name, board])) },
    "-server",
    server.address,
    "-log",
    "info",
  );
  const ofServer = await growth(server);
  await using canary = await openCalmCanary(server, "other", agent);
  const streams: ClientHttp2Stream[] = [];
  {
    using session = new Http2Session(parseAddress(server.address), { pingWhenIdle: false });
    for (const [index, name] of names.entries()) {
      streams.push(await startUnread(session, index % 2 === 0 ? "v1" : "lab", name));
    }
    for (const name of names) {
      await agent.said("stderr", new RegExp(`"device":"${name}"[^\\n]*"run started"`));
    }
    // Those that stand still are the fault; that a hundred programs start and fill what they may is work for a small machine.
    await canary.seen(30);
    canary.forget();
    await canary.seen(100);
    await canary.stop(t);
    const grown = Math.round(await ofServer());
    t.diagnostic(`server +${grown} MB for 100 clients that do not read`);
    assert.ok(grown < 150, `grown by ${grown} MB`);
  }
  await untilFree(agent);
});

test("a slow reader beside a fast one does not slow it down", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-log", "info");
  const agent = await lab.agent({ board, other: board }, "-server", server.address, "-log", "info");
  using connection = connectTo(parseAddress(server.address), { identity: undefined });
  const bytes = 256 * 1024 * 1024;
  const alone = await rate(connection, bytes);
  using session = new Http2Session(parseAddress(server.address), { pingWhenIdle: false });
  const slow = await startUnread(session, "lab", "board");
  await once(slow, "response");
  const beside = await rate(connection, bytes);
  t.diagnostic(`${alone.toFixed(0)} MB/s alone, ${beside.toFixed(0)} MB/s beside a reader that stands still`);
  slow.destroy();
  await untilFree(agent);
});

/** Megabytes a second of so many bytes of a run's output. */
async function rate({ devices }: ReturnType<typeof connectTo>, bytes: number): Promise<number> {
  async function* requests() {
    const value = { device: "other", command: "sh", args: [`head -c ${bytes} /dev/zero`] };
    yield { msg: { case: "command" as const, value } };
  }
  const begun = performance.now();
  let got = 0;
  for await (const { msg } of devices.run(requests())) {
    got += msg.case === "console" ? (msg.value.data.value?.length ?? 0) : 0;
  }
  assert.equal(got, bytes);
  return bytes / 1000 / (performance.now() - begun);
}
