import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { protocolVersion } from "#pkg/protocol/version.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";

const board = { cmds: { sh: shellCommand } };
const skip = spawnSync("curl", ["--version"]).error === undefined ? false : "needs curl: apt-get install curl";
const json = ["-H", "content-type: application/json"];

/** Status, what is told about the version, and the body. */
async function curl(lab: Lab, url: string, ...args: readonly string[]) {
  const { stdout } = await lab.startWords(["curl", "-sS", "-i", ...args, url]).ended;
  const [head = "", body = ""] = stdout.split("\r\n\r\n");
  const [, status] = /^HTTP\/[\d.]+ (\d+)/.exec(head) ?? [];
  const [, version] = /^dutctl-version: (.*)$/im.exec(head) ?? [];
  return { status: Number(status), version: version?.trim(), body: body.trim() };
}

async function behindServer(lab: Lab) {
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  return [agent, server].map(({ address }) => `http://${address}/dutctl.v1.DeviceService`);
}

test("curl lists and describes by our protocol, with what the old one cannot say", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  for (const service of await behindServer(lab)) {
    const call = (rpc: string, request: string) =>
      curl(lab, service.replace("dutctl.v1.DeviceService", `dutlab.v1.LabService/${rpc}`), "-d", request, ...json);
    const answers = [
      await call("List", "{}"),
      await call("Describe", '{"device":"board"}'),
      await call("Lock", '{"device":"board"}'),
    ];
    const device = { name: "board", state: "DEVICE_STATE_FREE" };
    assert.deepEqual(
      answers.map(({ status, version, body }) => [status, version, JSON.parse(body)]),
      [
        [200, protocolVersion, { devices: [device] }],
        [200, protocolVersion, { device, commands: [{ name: "sh", passthrough: true, modules: ["shell"] }] }],
        [
          401,
          protocolVersion,
          { code: "unauthenticated", message: "operation requires an identified caller; set the From header" },
        ],
      ],
    );
  }
});

test("curl lists, and reads an error, in JSON over HTTP/1.1", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  for (const [index, service] of (await behindServer(lab)).entries()) {
    assert.deepEqual(
      [
        await curl(lab, `${service}/List`, "-d", "{}", ...json),
        await curl(lab, `${service}/Commands`, "-d", '{"device":"board"}', ...json),
        await curl(lab, `${service}/Commands`, "-d", '{"device":"none"}', ...json),
      ],
      [
        { status: 200, version: protocolVersion, body: '{"devices":[{"name":"board"}]}' },
        { status: 200, version: protocolVersion, body: '{"commands":["sh"]}' },
        {
          status: 404,
          version: protocolVersion,
          body: JSON.stringify({
            code: "not_found",
            message: index === 0 ? 'device "none": no such device' : 'device "none" not found',
          }),
        },
      ],
    );
  }
});

test("what a web page could send through a browser is refused", { skip }, async (t) => {
  await using lab = await Lab.open(t.signal);
  for (const service of await behindServer(lab)) {
    const list = (...args: string[]) => curl(lab, `${service}/List`, "-d", "{}", ...args);
    const refusals = [
      await list(...json, "-H", "host: evil.example"),
      await list(...json, "-H", "origin: http://evil.example"),
      await list("-H", "content-type: text/plain"),
      await list(),
    ];
    assert.deepEqual(
      refusals.map(({ status, body }) => [status, JSON.parse(body).message]),
      [
        [403, "the host evil.example is not this program's address"],
        [403, "requests from the origin http://evil.example are not accepted"],
        [415, "the content type text/plain is not accepted, send application/json"],
        [415, "the content type application/x-www-form-urlencoded is not accepted, send application/json"],
      ],
    );
  }
});
