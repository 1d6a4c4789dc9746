import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { medians } from "../medians.ts";
import { registeredBulkDevice } from "../peers/flood.ts";
import type { Group } from "../row.ts";
import { rateOf, receive, runOn, send, swallow } from "./moved-bytes.ts";

const rounds = 7;
const registered = { device: registeredBulkDevice };

/** A stream of bytes through the server, beside the same bytes through a process that joins two sockets. */
export const bulk: Group = {
  name: "bulk",
  async measure({ server, agent, spliced }) {
    using session = new Http2Session(parseAddress(server), { pingWhenIdle: false });
    using joined = new Http2Session({ kind: "tcp", host: "127.0.0.1", port: spliced.agent }, { pingWhenIdle: false });
    using direct = connectTo(parseAddress(agent), { identity: undefined });
    using relayed = connectTo(parseAddress(server), { identity: undefined });
    const measured = await medians(rounds, {
      splice: () => rateOf(() => receive(socketTo(spliced.flood))),
      joined: () => rateOf(() => receive(runOn(joined))),
      relay: () => rateOf(() => receive(runOn(session))),
      spliceUp: () => rateOf(() => send(socketTo(spliced.swallow))),
      joinedUp: () => rateOf(() => send(runOn(joined, { headers: swallow }))),
      relayUp: () => rateOf(() => send(runOn(session, { headers: swallow }))),
      registered: () => rateOf(() => receive(runOn(session, registered))),
      registeredUp: () => rateOf(() => send(runOn(session, { ...registered, headers: swallow }))),
      output: () => rateOf(() => outputBytes(direct.devices)),
      relayedOutput: () => rateOf(() => outputBytes(relayed.devices)),
    });
    return [
      {
        name: "from an agent through the server",
        value: measured.relay,
        unit: "MB/s",
        floor: { name: "TCP splice", value: measured.splice },
        hold: { kind: "at-least-times", factor: 0.75 },
      },
      {
        name: "to an agent through the server",
        value: measured.relayUp,
        unit: "MB/s",
        floor: { name: "TCP splice", value: measured.spliceUp },
        hold: { kind: "at-least-times", factor: 0.75 },
      },
      ...[
        { name: "from an agent", value: measured.relay, floor: measured.joined },
        { name: "to an agent", value: measured.relayUp, floor: measured.joinedUp },
        { name: "from an agent that registered an address", value: measured.registered, floor: measured.joined },
        { name: "to an agent that registered an address", value: measured.registeredUp, floor: measured.joinedUp },
      ].map(({ name, value, floor }) => ({
        name: `${name}, the hop alone`,
        value,
        unit: "MB/s" as const,
        floor: { name: "HTTP/2 through a TCP splice", value: floor },
        hold: undefined,
      })),
      {
        name: "a module's output through the server",
        value: measured.relayedOutput,
        unit: "MB/s",
        floor: { name: "direct", value: measured.output },
        hold: undefined,
      },
    ];
  },
};

async function socketTo(port: number): Promise<Duplex> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** What `head` prints, in the messages of a run. */
async function outputBytes(devices: ReturnType<typeof connectTo>["devices"]): Promise<number> {
  async function* requests() {
    yield { msg: { case: "command" as const, value: { device: "board", command: "flood" } } };
  }
  let bytes = 0;
  for await (const { msg } of devices.run(requests())) {
    bytes += msg.case === "console" ? (msg.value.data.value?.length ?? 0) : 0;
  }
  return bytes;
}
