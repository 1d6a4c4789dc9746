import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Lab } from "#test/support/lab.ts";
import { logged, recordsOf } from "#test/support/log-records.ts";
import { Network, withoutNetwork } from "#test/support/network/network.ts";
import { dialIn, newKey, verdictOf } from "../../cmds/dutserver/test/dialling-agent.ts";
import { openCalmCanary } from "./canary.ts";

const racers = 10;

/** A device that says whose it is, and what a canary needs. */
const marked = (mark: string) => ({
  cmds: {
    whose: { uses: [{ module: "shell", args: [`echo ${mark}`] }] },
    sh: { uses: [{ module: "shell", passthrough: true }] },
  },
});

test("who claims another agent's name or device is refused and logged, and users still reach the right agent", async (t) => {
  await using lab = await Lab.open(t.signal);
  const server = await lab.server();
  const right = await lab.agent(
    { board: marked("right"), cage: marked("right") },
    "-a",
    "none",
    "-server",
    server.address,
    "-name",
    "bench",
  );
  await using canary = await openCalmCanary(server, "cage", right);
  using thief = await dialIn(server.address, { name: "bench", devices: ["board"] });
  const asBench = verdictOf(await thief.next());
  const config = await lab.configuration({ board: marked("wrong"), extra: marked("extra") });
  await lab.agent(config, "-a", "none", "-server", server.address, "-name", "rogue");
  await logged(server, { msg: "device refused", agent: "rogue", device: "board" });
  const whose = async (device: string) => (await lab.dutctl(["-s", server.address, device, "whose"])).stdout;
  assert.deepEqual(
    ["code" in asBench && asBench.code, await whose("board"), await whose("extra")],
    ["already_exists", "right\n", "extra\n"],
  );
  assert.equal(recordsOf(server, { msg: "agent refused" }).length, 1);
  await canary.stop(t);
});

test(`of ${racers} agents that claim one new name and device at once exactly one has it, also after the server was killed`, async (t) => {
  await using lab = await Lab.open(t.signal);
  const state = ["-state", lab.path("kept")];
  const first = await lab.server(...state);
  const keys = Array.from({ length: racers }, newKey);
  const race = async (address: string) => {
    const verdicts = await Promise.all(
      keys.map(async (key, index) => {
        using agent = await dialIn(address, { name: "prize", devices: ["trophy"], key });
        using other = await dialIn(address, { name: `racer-${index}`, devices: ["cup"], key });
        const [name, device] = [verdictOf(await agent.next()), verdictOf(await other.next())];
        return { name: "epoch" in name, device: "refused" in device && device.refused.length === 0 };
      }),
    );
    const winners = (prize: "name" | "device") => verdicts.flatMap((verdict, index) => (verdict[prize] ? [index] : []));
    return { name: winners("name"), device: winners("device") };
  };
  const before = await race(first.address);
  first.kill("SIGKILL");
  await first.ended;
  const second = await lab.server(...state);
  const after = await race(second.address);
  assert.deepEqual([before.name.length, before.device.length, after], [1, 1, before]);
});

test("an address that is not where its registration comes from is refused, and the server sends nothing there", {
  skip: withoutNetwork,
}, async (t) => {
  await using network = await Network.open(t.signal);
  await using lab = await Lab.open(t.signal);
  const [rack, bench] = [await network.computer("rack"), await network.computer("bench")];
  const inRack = lab.startedBy(...rack.namespace.inside);
  const server = await inRack.server("-s", `${rack.address}:1024`, "-insecure", "-legacy-register", "192.0.2.0/24");
  const attempts = await rack.countConnects();
  const targets = [
    ...["169.254.169.254:1024", "localhost:1024", "127.0.0.1:1024", "[::1]:1024", "[::ffff:127.0.0.1]:1024"],
    ...[`${rack.address}:1024`, "192.0.2.77:2000", "10.0.0.1:1024", `${bench.address}:22`, "unix:/tmp/any.sock"],
  ];
  const inBench = lab.startedBy(...bench.namespace.inside);
  const register = async (...addresses: readonly string[]) => {
    const program = fileURLToPath(import.meta.resolve("#test/programs/register.ts"));
    const words = [...bench.namespace.inside, process.execPath, program, server.address, ...addresses];
    return (await lab.startWords(words).ended).stdout.trim().split("\n");
  };
  /** A list asks whoever is registered. */
  const list = () => inBench.dutctl(["-s", server.address, "list"]);
  const refused = await register(...targets);
  const empty = await list();
  const before = await attempts();
  const right = await register(`${bench.address}:1024`);
  const full = await list();
  assert.deepEqual(
    [refused, empty.stdout, before, right, full.stdout, (await attempts()) > 0],
    [targets.map(() => "permission_denied"), "", 0, ["taken"], "- board\n", true],
  );
});
