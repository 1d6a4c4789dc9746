import { fileURLToPath } from "node:url";
import { parseAddress } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { Etcd, etcdIsMissing } from "#test/support/etcd.ts";
import { medians, timed } from "../medians.ts";
import { bulkDevice } from "../peers/flood.ts";
import type { Group, Row } from "../row.ts";
import { rateOf, receive, runOn, send, swallow } from "./moved-bytes.ts";

const calls = 400;
const rounds = 7;
const source = fileURLToPath(import.meta.resolve("../peers/source.ts"));
const board = { cmds: { status: { uses: [{ module: "dummy-status" }] } } };

/** Two servers that share an etcd: what the server that does not have the agent adds to the one that has it. */
export const cluster: Group = {
  name: "cluster",
  async measure({ openLab }) {
    if (etcdIsMissing !== undefined) {
      process.stderr.write(`left out: ${etcdIsMissing}\n`);
      return [];
    }
    await using etcd = await Etcd.start();
    await using lab = await openLab();
    const flags = ["-store", `etcd://${etcd.addresses}`, "-log", "info"];
    const [near, far] = await Promise.all([lab.server(...flags), lab.server(...flags)]);
    await lab.agent({ board }, "-a", "none", "-server", near.address, "-log", "info");
    await lab.startWords([process.execPath, source, near.address]).said("stdout", /.+\n/);
    await Promise.all(["board", bulkDevice].map((device) => known(far.address, device)));
    return [...(await hopOfCalls(near.address, far.address)), ...(await hopOfBytes(near.address, far.address))];
  },
};

async function hopOfCalls(near: string, far: string): Promise<readonly Row[]> {
  using one = connectTo(parseAddress(near), { identity: "bench" });
  using two = connectTo(parseAddress(far), { identity: "bench" });
  const measured = await medians(calls, {
    one: () => timed(() => one.devices.commands({ device: "board" })),
    two: () => timed(() => two.devices.commands({ device: "board" })),
  });
  const floor = { name: "one server", value: measured.one };
  return [{ name: "a call through two servers", value: measured.two, unit: "ms", floor, hold: undefined }];
}

async function hopOfBytes(near: string, far: string): Promise<readonly Row[]> {
  using one = new Http2Session(parseAddress(near), { pingWhenIdle: false });
  using two = new Http2Session(parseAddress(far), { pingWhenIdle: false });
  const measured = await medians(rounds, {
    one: () => rateOf(() => receive(runOn(one))),
    two: () => rateOf(() => receive(runOn(two))),
    oneUp: () => rateOf(() => send(runOn(one, { headers: swallow }))),
    twoUp: () => rateOf(() => send(runOn(two, { headers: swallow }))),
  });
  return [
    { way: "from", value: measured.two, floor: measured.one },
    { way: "to", value: measured.twoUp, floor: measured.oneUp },
  ].map(({ way, value, floor }) => ({
    name: `${way} an agent through two servers`,
    value,
    unit: "MB/s",
    floor: { name: "one server", value: floor },
    hold: undefined,
  }));
}

/** Resolves when a server shows a device. */
async function known(address: string, device: string): Promise<void> {
  using connection = connectTo(parseAddress(address), { identity: "bench" });
  for await (const { event } of connection.lab.watch({})) {
    const devices = event.case === "snapshot" ? event.value.devices : event.case === "changed" ? [event.value] : [];
    if (devices.some(({ name }) => name === device)) {
      return;
    }
  }
  throw new Error(`the server at ${address} has ended the watch`);
}
