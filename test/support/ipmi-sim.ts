import { existsSync, statSync } from "node:fs";
import { mkdtempDisposable, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Child } from "./child.ts";
import { ownPlace } from "./own-place.ts";

const lookAgainMs = 10;

const simulator = "/usr/bin/ipmi_sim";

/** The `skip` of a test that needs a BMC and the tool that speaks to one. */
export const withoutIpmi: string | false =
  existsSync(simulator) && existsSync("/usr/bin/ipmitool")
    ? false
    : "needs a BMC and ipmitool: apt-get install openipmi ipmitool";

/**
 * What the chassis of a BMC does with a command: `obeys`; `deaf` says yes and stays as it is; `slow` says yes, and has
 * the power on again only when the test says so; `refuses` says no.
 */
export type Temper = "obeys" | "deaf" | "slow" | "refuses";

/** OpenIPMI's simulator of a BMC, whose chassis is a shell script that keeps its power in a file. */
export interface IpmiSim extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The administrator; `guest` with the same password is a mere user. */
  readonly user: string;
  readonly password: string;
  readonly directory: string;
  setTemper(temper: Temper): Promise<void>;
  setPower(power: "on" | "off"): Promise<void>;
  /** What the chassis was told since the last time: `power 1`, `reset 1`, `shutdown 1`. */
  told(): Promise<readonly string[]>;
  /** Resolves when the second half of a cycle was done, which waits for the power to be off, however long that takes. */
  cycled(): Promise<void>;
  /** How many characters of that there are by now. */
  toldSoFar(): number;
}

const credentials = { user: "admin", password: "se'cret$" };

export async function openIpmiSim(): Promise<IpmiSim> {
  await using acquired = new AsyncDisposableStack();
  const { path: directory } = acquired.use(await mkdtempDisposable(join(tmpdir(), "ipmi-sim-")));
  const file = (name: string) => join(directory, name);
  const { host, port } = ownPlace();
  await writeFile(file("power"), "0\n");
  await writeFile(file("temper"), "obeys\n");
  await writeFile(file("chassis"), chassis(directory), { mode: 0o755 });
  await writeFile(file("lan.conf"), configuration(host, port, file("chassis")));
  await writeFile(
    file("bmc.emu"),
    "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n",
  );
  const words = [simulator, "-c", file("lan.conf"), "-f", file("bmc.emu"), "-s", directory, "-p"];
  const child = acquired.use(new Child(words, { cwd: directory, env: process.env }));
  // Its prompt, after the last of its commands.
  await child.said("stdout", /mc_enable 0x20\s+> $/);
  const release = acquired.move();
  return {
    host,
    port,
    ...credentials,
    directory,
    setTemper: (temper) => writeFile(file("temper"), `${temper}\n`),
    async setPower(power) {
      // The simulator may look at any time.
      await writeFile(file("power.new"), power === "on" ? "1\n" : "0\n");
      await rename(file("power.new"), file("power"));
    },
    toldSoFar: () => statSync(file("told"), { throwIfNoEntry: false })?.size ?? 0,
    async told() {
      const lines = existsSync(file("told")) ? (await readFile(file("told"), "utf8")).trim().split("\n") : [];
      await rm(file("told"), { force: true });
      return lines;
    },
    async cycled() {
      while (!/^power 1$/m.test(await readFile(file("told"), "utf8"))) {
        await setTimeout(lookAgainMs);
      }
    },
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}

/** Without a GUID the simulator speaks IPMI 1.5 only. */
const configuration = (host: string, port: number, script: string) => `name "bmc"
set_working_mc 0x20
startlan 1
  addr ${host} ${port}
  priv_limit admin
  allowed_auths_callback md5
  allowed_auths_user md5
  allowed_auths_operator md5
  allowed_auths_admin md5
  guid 000102030405060708090a0b0c0d0e0f
endlan
chassis_control "${script}"
user 2 true "${credentials.user}" "${credentials.password}" admin 10 md5
user 3 true "guest" "${credentials.password}" user 10 md5
`;

/** Called as `get power` or `set <what> <value>`. A cycle is `set power 0`, and `set power 1` once it has seen 0. */
const chassis = (directory: string) => `#!/bin/sh
cd '${directory}' || exit 1
if [ "$1" = get ]; then
  echo "$2:$(cat power)"
  exit 0
fi
temper=$(cat temper)
case "$temper: $2 $3" in
  "obeys: power 1") echo 1 > power ;;
  "obeys: power 0" | "obeys: shutdown 1" | "slow: power 0") echo 0 > power ;;
esac
echo "$2 $3" >> told
if [ "$temper" = refuses ]; then
  echo "not today"
  exit 1
fi
`;
