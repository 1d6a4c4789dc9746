import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { Lab, shellCommand } from "#test/support/lab.ts";
import type { ProgramName } from "#test/support/programs.ts";

const modules = moduleKinds
  .map(({ name }) => name)
  .sort()
  .join(", ");

const board = { cmds: { sh: shellCommand, status: { uses: [{ module: "dummy-status" }] } } };

for (const [program, usage] of [
  ["dutctl", /^dutctl controls devices under test[\s\S]*\nSYNOPSIS:\n[\s\S]*\nOPTIONS:\n {2}-allow-read path\n/],
  ["dutagent", /^Usage of dutagent:\n {2}-a address\n/],
  ["dutserver", /^Usage of dutserver:\n {2}-advertise address\n/],
] as const) {
  test(`${program} ends with 2 and its usage when it is given a flag that it does not know`, async (t) => {
    await using lab = await Lab.open(t.signal);
    const { code, stdout, stderr } = await lab.start(program, ["-nonsense"]).ended;
    const [first, ...rest] = stderr.split("\n");
    assert.deepEqual([code, stdout, first], [2, "", "flag provided but not defined: -nonsense"]);
    assert.match(rest.join("\n"), usage);
  });
}

/** What a daemon that cannot start logs, without the time. */
async function complaints(lab: Lab, program: ProgramName, ...args: readonly string[]) {
  const { code, stdout, stderr } = await lab.start(program, args).ended;
  const lines = stderr.trimEnd().split("\n");
  return { code, stdout, errors: lines.filter((line) => / ERROR /.test(line)).map((line) => line.slice(20)) };
}

test("a configuration that is missing or broken is told with its place, every problem at once", async (t) => {
  await using lab = await Lab.open(t.signal);
  await writeFile(
    lab.path("broken.yaml"),
    `version: 1.0.0-alpha.1
devices:
  board:
    cmds:
      power:
        uses:
          - module: shel
            wiht: {}
      reset:
        uses: []
`,
  );
  assert.deepEqual(
    [await complaints(lab, "dutagent"), await complaints(lab, "dutagent", "-c", "broken.yaml")],
    [
      {
        code: 1,
        stdout: "",
        errors: [
          'ERROR [agent] loading config failed err="cannot read dutctl.yaml: no such file or directory (name the configuration file with -c)"',
        ],
      },
      {
        code: 1,
        stdout: "",
        errors: [
          `ERROR [agent] loading config failed err="broken.yaml:7:21: devices.board.cmds.power.uses.0.module: no module named \\"shel\\" (did you mean shell? there are: ${modules})"`,
          'ERROR [agent] loading config failed err="broken.yaml:8:13: devices.board.cmds.power.uses.0.wiht: unknown key \\"wiht\\" (did you mean with? allowed: module, passthrough, args, with, unsafe, when)"',
          'ERROR [agent] loading config failed err="broken.yaml:10:9: devices.board.cmds.reset.uses: command must have at least one module, under uses:"',
        ],
      },
    ],
  );
});

test("an address that other machines reach is refused without -insecure, and taken with it", async (t) => {
  await using lab = await Lab.open(t.signal);
  const config = await lab.configuration({ board });
  const refusal =
    'cannot listen addr=0.0.0.0:0 err="refusing to listen on 0.0.0.0:0: without encryption and authentication everybody who reaches this address runs commands on this machine (protect it with -tls-cert, -tls-key and -tls-client-ca, listen on localhost or unix:/path, or accept the risk with -insecure)"';
  assert.deepEqual(
    [
      await complaints(lab, "dutserver", "-s", "0.0.0.0:0"),
      await complaints(lab, "dutagent", "-c", config, "-a", "0.0.0.0:0"),
    ],
    [
      { code: 1, stdout: "", errors: [`ERROR [server] ${refusal}`] },
      { code: 1, stdout: "", errors: [`ERROR [agent] ${refusal}`] },
    ],
  );
  const server = await lab.server("-s", "0.0.0.0:0", "--insecure");
  await lab.agent(config, "-server", server.address.replace("0.0.0.0", "localhost"), "-a", "0.0.0.0:0", "-insecure");
  const port = server.address.replace(/^.*:/, "");
  assert.deepEqual(await lab.dutctl(["-s", `127.0.0.1:${port}`, "board", "sh", "echo through"]), {
    code: 0,
    stdout: "through\n",
    stderr: "",
  });
});

test("a port that another program has is named", async (t) => {
  await using lab = await Lab.open(t.signal);
  const { address } = await lab.server();
  const busy = `cannot listen addr=${address} err="${address} is in use by another program (stop that program or choose another address)"`;
  assert.deepEqual(
    [
      await complaints(lab, "dutserver", "-s", address),
      await complaints(lab, "dutagent", "-c", await lab.configuration({ board }), "-a", address),
    ],
    [
      { code: 1, stdout: "", errors: [`ERROR [server] ${busy}`] },
      { code: 1, stdout: "", errors: [`ERROR [agent] ${busy}`] },
    ],
  );
});

test("a peer that is not there is named, whoever looks for it", async (t) => {
  await using lab = await Lab.open(t.signal);
  const gone = await lab.server();
  await gone.stop();
  const refused = `connect ECONNREFUSED ${gone.address.replace("localhost", "127.0.0.1")}`;
  const config = await lab.configuration({ board });
  const agent = lab.start("dutagent", ["-log-json", "-a", "none", "-c", config, "-server", gone.address]);
  await agent.said(
    "stderr",
    new RegExp(`"server":"${gone.address}","err":"${refused}","msg":"not attached, trying again"`),
  );
  const failure = { code: 121, stdout: "", stderr: `✗ cannot reach dutagent at ${gone.address} (${refused})\n` };
  assert.deepEqual(
    [await lab.dutctl(["-s", gone.address, "list"]), await lab.dutctl(["-s", gone.address, "board", "sh", "true"])],
    [failure, failure],
  );
  assert.equal((await agent.stop()).code, 0);
});

test("a name that is close is suggested, by an agent and through a server", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const agent = await lab.agent({ board }, "-server", server.address);
  const failure = async (address: string, ...args: string[]) => {
    const { code, stdout, stderr } = await lab.dutctl(["-s", address, ...args]);
    return [code, stdout, ...stderr.trimEnd().split("\n")];
  };
  const meant = (name: string) => `  did you mean "${name}"?`;
  assert.deepEqual(
    await Promise.all([
      failure(agent.address, "baord"),
      failure(agent.address, "board", "statsu"),
      failure(agent.address, "board", "nothing-like-it"),
      failure(server.address, "baord"),
      failure(server.address, "baord", "status"),
      failure(server.address, "board", "statsu", "help"),
      failure(server.address, "board", "statsu"),
    ]),
    [
      [122, "", '✗ device "baord": no such device', meant("board")],
      [122, "", '✗ device "board", command "statsu": no such command', meant("status")],
      [122, "", '✗ device "board", command "nothing-like-it": no such command'],
      [122, "", '✗ device "baord" not found', meant("board")],
      [122, "", '✗ device "baord" not found', meant("board")],
      [122, "", '✗ device "board", command "statsu": no such command', meant("status")],
      [122, "", '✗ device "board", command "statsu": no such command', meant("status")],
    ],
  );
});
