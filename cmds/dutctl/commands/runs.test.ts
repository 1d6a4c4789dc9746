import assert from "node:assert/strict";
import { test } from "node:test";
import { goingRuns } from "../test/going-runs.ts";
import { dutctl } from "../test/recorded-world.ts";
import { ScriptedAgent } from "../test/scripted-agent.ts";

test("runs shows what goes on and what ended", async () => {
  const asked: string[] = [];
  await using agent = await ScriptedAgent.start({}, undefined, {
    runs: {
      listRuns({ device }) {
        asked.push(device);
        return { runs: goingRuns };
      },
    },
  });
  const { code, stdout } = await dutctl(["-s", agent.address, "-f", "jsonl", "runs", "dev1"]);
  const data = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).data);
  const run = { device: "dev1", command: "sh", args: [], owner: "alice@desk", attached: false, graceUntil: null };
  assert.deepEqual(
    [code, asked, data],
    [
      0,
      ["dev1"],
      [
        {
          ...run,
          run: "r3",
          command: "up",
          owner: "bob@h",
          since: "2026-11-20T10:27:23.000Z",
          attached: true,
          end: null,
        },
        { ...run, run: "r2", args: ["a b"], since: "2026-11-20T10:27:23.000Z", end: null },
        {
          ...run,
          run: "r1",
          since: "2026-11-20T10:27:20.000Z",
          end: { exitStatus: 4, code: "aborted", message: "module failed: no", hint: null },
        },
      ],
    ],
  );
});
