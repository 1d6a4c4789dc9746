import { once } from "node:events";
import { connect } from "node:net";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import { medians, timed } from "../medians.ts";
import type { Group, Row } from "../row.ts";

const rounds = 400;

/** Calls on connections that are open, direct and one hop further. */
export const calls: Group = {
  name: "calls",
  async measure({ agent, server, plain }) {
    using direct = connectTo(parseAddress(agent), { identity: "bench" });
    using relayed = connectTo(parseAddress(server), { identity: "bench" });
    await using echo = await openTcpEcho(plain.echo);
    const measured = await medians(rounds, {
      tcp: echo.roundTrip,
      unary: () => timed(() => direct.devices.commands({ device: "board" })),
      relayedUnary: () => timed(() => relayed.devices.commands({ device: "board" })),
      run: () => timed(() => runStatus(direct)),
      relayedRun: () => timed(() => runStatus(relayed)),
    });
    const row = (name: string, value: number, floor: Row["floor"]): Row => ({
      name,
      value,
      unit: "ms",
      floor,
      hold: undefined,
    });
    const tcp = { name: "TCP echo", value: measured.tcp };
    return [
      row("a call", measured.unary, tcp),
      row("a call through the server", measured.relayedUnary, { name: "direct", value: measured.unary }),
      row("a run", measured.run, tcp),
      row("a run through the server", measured.relayedRun, { name: "direct", value: measured.run }),
    ];
  },
};

/** 64 bytes to a module that sends them back, in a run that is under way. */
export const echo: Group = {
  name: "echo",
  async measure({ agent, server, plain, spliced: joined }) {
    using directConnection = connectTo(parseAddress(agent), { identity: undefined });
    using relayedConnection = connectTo(parseAddress(server), { identity: undefined });
    await using direct = await openRunEcho(directConnection, "board");
    await using relayed = await openRunEcho(relayedConnection, "board2");
    await using tcp = await openTcpEcho(plain.echo);
    await using spliced = await openTcpEcho(joined.echo);
    const measured = await medians(1_500, {
      tcp: tcp.roundTrip,
      spliced: spliced.roundTrip,
      direct: direct.roundTrip,
      relayed: relayed.roundTrip,
    });
    return [
      {
        name: "64-byte echo through the server",
        value: measured.relayed,
        unit: "ms",
        floor: { name: "direct", value: measured.direct },
        hold: { kind: "adds-at-most", milliseconds: 0.3 },
      },
      {
        name: "64-byte echo through a TCP splice",
        value: measured.spliced,
        unit: "ms",
        floor: { name: "TCP echo", value: measured.tcp },
        hold: undefined,
      },
    ];
  },
};

const line = Buffer.from(`${"x".repeat(63)}\n`);

interface Echo extends AsyncDisposable {
  /** Milliseconds of one. */
  readonly roundTrip: () => Promise<number>;
}

async function openTcpEcho(port: number): Promise<Echo> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return {
    roundTrip: () =>
      timed(async () => {
        socket.write(line);
        for (let bytes = 0; bytes < line.length; ) {
          const [chunk] = await once(socket, "data");
          bytes += chunk.length;
        }
      }),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
}

async function openRunEcho({ devices }: Connection, device: string): Promise<Echo> {
  const stop = new AbortController();
  let say: (text: Buffer) => void = () => {};
  async function* requests() {
    yield { msg: { case: "command" as const, value: { device, command: "repeat" } } };
    for (;;) {
      const { promise, resolve } = Promise.withResolvers<Buffer>();
      say = resolve;
      const value = await promise;
      yield { msg: { case: "console" as const, value: { data: { case: "stdin" as const, value } } } };
    }
  }
  const answers = devices.run(requests(), { signal: stop.signal })[Symbol.asyncIterator]();
  const receive = async (bytes: number) => {
    while (bytes > 0) {
      const { value } = await answers.next();
      bytes -= value?.msg.case === "console" ? (value.msg.value.data.value?.length ?? 0) : 0;
    }
  };
  // The greeting of the module.
  await receive(1);
  return {
    roundTrip: () =>
      timed(async () => {
        say(line);
        await receive(line.length);
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await answers.return?.(undefined);
    },
  };
}

async function runStatus({ devices }: Connection): Promise<void> {
  async function* requests() {
    yield { msg: { case: "command" as const, value: { device: "board", command: "status" } } };
  }
  for await (const _ of devices.run(requests())) {
  }
}
