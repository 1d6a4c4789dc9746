import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { test } from "node:test";
import { Lab, shellCommand } from "#test/support/lab.ts";
import { logged } from "#test/support/log-records.ts";

const board = { cmds: { sh: shellCommand } };

test("an agent whose key is lost gets its name and devices back when an administrator has released them", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-state", lab.path("server"));
  const flags = ["-a", "none", "-server", server.address, "-state", lab.path("bench"), "-name", "bench"];
  await (await lab.agent({ board }, ...flags)).stop();
  await rm(lab.path("bench/agent-key.pem"));
  const config = await lab.configuration({ board });
  const agent = lab.start("dutagent", ["-log-json", "-c", config, ...flags]);
  await agent.said("stderr", /"err":"agent name \\"bench\\" belongs to another key, SHA256:[^"]+","msg":"not attached/);
  const admin = (...words: string[]) => lab.start("dutserver", words).ended;
  const released = await admin("agent", "-state", lab.path("server"), "release", "bench");
  await agent.said("stderr", /"msg":"attached"/);
  const { stdout } = await lab.dutctl(["-s", server.address, "board", "sh", "echo here"]);
  assert.deepEqual(
    [released.stdout, stdout],
    ['agent name "bench" belongs to the next key that claims it, with its devices\n', "here\n"],
  );
});

test("an agent that is gone for good is forgotten, and one that is here is not", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server("-state", lab.path("server"));
  const gone = await lab.agent({ old: board }, "-a", "none", "-server", server.address, "-name", "gone");
  await lab.agent({ board }, "-a", "none", "-server", server.address, "-name", "here");
  await gone.stop();
  await logged(server, { msg: "agent lost", agent: "gone" });
  const admin = (...words: string[]) => lab.start("dutserver", [...words]).ended;
  const state = ["-state", lab.path("server")];
  const refused = await admin("agent", ...state, "remove", "here");
  const removed = await admin("agent", ...state, "remove", "gone");
  const listed = await lab.dutctl(["-s", server.address, "list"]);
  const devices = await admin("device", ...state, "list");
  assert.deepEqual(
    [refused.code, refused.stderr, removed.code, listed.stdout, devices.stdout],
    [1, 'dutserver: agent "here" is not offline (stop it first)\n', 0, "- board\n", "board\there\tonline\n"],
  );
});

test("names are shown and changed without a server too, and a wrong word is answered with the right ones", async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("server")];
  const server = await lab.server(...state);
  const agent = await lab.agent({ board }, "-a", "none", "-server", server.address, "-name", "bench");
  await agent.stop();
  await logged(server, { msg: "agent lost", agent: "bench" });
  await server.stop();
  const admin = (...words: string[]) => lab.start("dutserver", words).ended;
  const devices = await admin("device", ...state);
  const wrong = await admin("device", ...state, "give", "board");
  const unknown = await admin("device", ...state, "transfer", "board", "nobody");
  assert.match(devices.stdout, /^board\tbench\toffline since [^ ]+: dutagent is shutting down\n$/);
  assert.deepEqual(
    [wrong.code, wrong.stderr, unknown.code, unknown.stderr],
    [
      2,
      'dutserver: "give board" is not what can be done about names (dutserver device list, dutserver device transfer DEVICE AGENT, dutserver device release DEVICE)\n',
      1,
      'dutserver: agent "nobody" is not known here (dutserver agent list shows what is known)\n',
    ],
  );
});
