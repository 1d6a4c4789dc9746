import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { type Lab, labVariable } from "./lab.ts";

/** What a lab has left behind after it was disposed of, a clause for each thing. */
export async function remainsOf({ folder, server, agents }: Lab): Promise<readonly string[]> {
  const daemons = [server, ...agents];
  const answering = await Promise.all(
    daemons.map(async ({ address }) => address !== undefined && (await accepts(address))),
  );
  return [
    ...(existsSync(folder) ? [`the folder ${folder}`] : []),
    ...daemons.filter((_, index) => answering[index]).map(({ name, address }) => `the port ${address} of ${name}`),
    ...processesOf(folder).map((pid) => `the process ${pid}`),
  ];
}

async function accepts(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket = createConnection({ host: hostname, port: Number(port) });
  try {
    await once(socket, "connect");
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ECONNREFUSED") {
      return false;
    }
    throw error;
  } finally {
    socket.destroy();
  }
}

/** None where there is no /proc. */
function processesOf(folder: string): readonly string[] {
  if (!existsSync("/proc")) {
    return [];
  }
  const mark = `${labVariable}=${folder}`;
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(mark));
}

/** Empty when the process has ended, and for another user's. */
function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ESRCH", "EACCES"].includes(String(error.code))) {
      return [];
    }
    throw error;
  }
}
