import { spawnSync } from "node:child_process";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { ownPlace } from "./own-place.ts";

/** Why tests with snmpd are left out, if they are. */
export const noSnmpd = ["snmpd", "snmpget"].every((program) => spawnSync(program, ["--version"]).status === 0)
  ? false
  : "needs snmpd and snmpget: apt-get install snmpd snmp";

const outletProgram = join(import.meta.dirname, "../programs/snmp-outlets.sh");
const outlets = [1, 2, 3];

export interface SnmpAgent extends AsyncDisposable {
  /** `snmp://HOST:PORT` */
  readonly url: string;
  /** As they are in the unit, all three. */
  levels(): Promise<readonly string[]>;
}

/**
 * net-snmp's agent with three outlets of APC, all off: community `private` may write and `public` may read; the user `lab`
 * has the password `lab password` (SHA-256) and encrypts with `lab "secret"\` (AES).
 */
export async function snmpAgent(): Promise<SnmpAgent> {
  await using acquired = new AsyncDisposableStack();
  const folder = acquired.use(await mkdtempDisposable(join(tmpdir(), "snmpd-")));
  await Promise.all(outlets.map((outlet) => writeFile(join(folder.path, String(outlet)), "off\n")));
  const { host, port } = ownPlace();
  // Not snmpd.conf: that is what snmpd calls the file of its own in this folder.
  const conf = join(folder.path, "agent.conf");
  const pass = (oid: string) => `pass .${oid} /bin/sh ${outletProgram} ${folder.path}`;
  await writeFile(
    conf,
    [
      `agentaddress udp:${host}:${port}`,
      "rwcommunity private",
      "rocommunity public",
      String.raw`createUser lab SHA-256 "lab password" AES "lab \"secret\"\\"`,
      "rwuser lab auth",
      pass("1.3.6.1.4.1.318.1.1.12.3.3.1.1.4"),
      pass("1.3.6.1.4.1.318.1.1.26.9.2.4.1.5"),
      pass("1.3.6.1.4.1.318.1.1.26.9.2.3.1.5"),
      "",
    ].join("\n"),
  );
  const env = { ...process.env, SNMP_PERSISTENT_DIR: folder.path, MIBS: "" };
  const agent = acquired.use(
    new Child(["snmpd", "-f", "-C", "-c", conf, "-I", "-smux", "-Lo"], { cwd: folder.path, env }),
  );
  await agent.said("stdout", /NET-SNMP version/);
  const release = acquired.move();
  return {
    url: `snmp://${host}:${port}`,
    levels: () =>
      Promise.all(outlets.map(async (outlet) => (await readFile(join(folder.path, String(outlet)), "utf8")).trim())),
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  };
}
