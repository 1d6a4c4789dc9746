import assert from "node:assert/strict";
import type { ClientHttp2Stream } from "node:http2";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { parseAddress } from "#pkg/protocol/address.ts";
import { RunRequestSchema } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { enveloped } from "#pkg/protocol/grpc/envelope.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { Lab } from "#test/support/lab.ts";
import { hitsOf } from "#test/support/metrics.ts";
import { writeRandomFile } from "#test/support/random-file.ts";
import { untilFree } from "./free-devices.ts";

const board = { cmds: { ft: { uses: [{ module: "dummy-ft", passthrough: true }] } } };
const devices = ["one", "two", "three", "four", "five"];

const largest = 128 * 1024 * 1024;

/** Begins to send a device a file of 128 MiB by protocol v1, and does not go on. */
async function beginFile(session: Http2Session, device: string): Promise<ClientHttp2Stream> {
  const headers = { "content-type": "application/grpc", te: "trailers", from: `${device}@test` };
  const stream = await session.request("POST", "/dutctl.v1.DeviceService/Run", headers);
  stream.on("error", () => {});
  const value = { device, command: "ft", args: ["in", "out"] };
  stream.write(
    enveloped(toBinary(RunRequestSchema, create(RunRequestSchema, { msg: { case: "command", value } })), 1024),
  );
  await new Promise((resolve) => stream.once("data", resolve));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(largest, 1);
  stream.write(prefix);
  return stream;
}

test("four files of 128 MiB have all the memory that there is for files of protocol v1, and a fifth waits for one to be gone", async (t) => {
  await using lab = await Lab.open(t.signal);
  const agent = await lab.agent(Object.fromEntries(devices.map((device) => [device, board])), "-log", "info");
  using session = new Http2Session(parseAddress(agent.address), { pingWhenIdle: false });
  const streams = await Promise.all(devices.slice(0, 4).map((device) => beginFile(session, device)));
  await writeRandomFile(lab.path("in"), 2);
  const fifth = lab.dutctl(["-s", agent.address, "-protocol", "v1", "five", "ft", "in", "out"]);
  while ((await hitsOf(agent, "whole_files")) === 0) {
    t.signal.throwIfAborted();
  }
  streams[0]?.destroy();
  const { code, stderr } = await fifth;
  assert.equal(code, 0, stderr);
  for (const stream of streams) {
    stream.destroy();
  }
  await untilFree(agent);
});
