import type { TestContext } from "node:test";
import { parseAddress } from "#pkg/protocol/address.ts";
import { type Connection, connectTo } from "#pkg/protocol/client.ts";
import type { DeviceState } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { type AgentDaemon, type Daemon, type Devices, Lab, shellCommand } from "#test/support/lab.ts";
import { openDoor } from "#test/support/network/door.ts";
import { type Computer, Network, withoutNetwork } from "#test/support/network/network.ts";
import { withoutSocat } from "#test/support/pty-pair.ts";
import { type Canary, openCalmCanary } from "./canary.ts";

/** The `skip` option of a test that has a rack. */
export const withoutRack: string | false = withoutNetwork || withoutSocat;

/** An agent that dials in from a computer of its own, with a device `board-NAME` that has a shell. */
export interface Bench {
  readonly computer: Computer;
  readonly agent: AgentDaemon;
  readonly device: string;
}

/** A network with a computer that has the server, and an agent beside it for the canary. */
export interface Rack extends AsyncDisposable {
  readonly network: Network;
  readonly lab: Lab;
  readonly computer: Computer;
  readonly server: Daemon;
  /** Where the test itself and its clients reach the server. */
  readonly door: string;
  readonly connection: Connection;
  /** Starts an agent with its state in a directory of its name, at a new computer unless one is given. */
  bench(name: string, computer?: Computer): Promise<Bench>;
  /** A healthy client, for when everything is there that is needed. */
  canary(): Promise<Canary>;
  /** As the server lists it; undefined when it does not. */
  stateOf(device: string): Promise<DeviceState | undefined>;
}

export function benchDevices(device: string): Devices {
  return { [device]: { cmds: { sh: shellCommand } } };
}

export async function openRack(t: TestContext): Promise<Rack> {
  await using open = new AsyncDisposableStack();
  const network = open.use(await Network.open(t.signal));
  const lab = open.use(await Lab.open(t.signal));
  const computer = await network.computer("rack");
  const at = ({ namespace }: Computer) => lab.startedBy(...namespace.inside);
  const server = await at(computer).server("-s", `${computer.address}:1024`, "-insecure");
  const attached = ["-a", "none", "-server", server.address];
  const cage = await at(computer).agent(benchDevices("cage"), ...attached);
  const door = open.use(await openDoor(computer, server.address, lab.directory)).address;
  const connection = open.use(connectTo(parseAddress(door), { identity: "tester@test" }));
  const release = open.move();
  return {
    ...{ network, lab, computer, server, door, connection },
    async bench(name, given) {
      const where = given ?? (await network.computer(name));
      const device = `board-${name}`;
      const flags = [...attached, "-name", name, "-state", lab.path(`state-of-${name}`)];
      return { computer: where, agent: await at(where).agent(benchDevices(device), ...flags), device };
    },
    canary: () => openCalmCanary({ address: door, process: server.process }, "cage", cage),
    async stateOf(device) {
      const { devices } = await connection.lab.list({});
      return devices.find(({ name }) => name === device)?.state;
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
