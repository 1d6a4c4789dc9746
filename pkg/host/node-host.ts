import type { Host } from "./host.ts";
import { nodeDisks } from "./node-disks.ts";
import { nodeFiles } from "./node-files.ts";
import { nodeHttp } from "./node-http.ts";
import { nodeProcesses } from "./node-processes.ts";
import { nodePtys } from "./node-ptys.ts";
import { nodeSerialPorts } from "./node-serial-ports.ts";
import { nodeSockets } from "./node-sockets.ts";

/** The machine that this process runs on. */
export function nodeHost(): Host {
  return {
    processes: nodeProcesses(),
    serialPorts: nodeSerialPorts(),
    ptys: nodePtys(),
    files: nodeFiles(),
    sockets: nodeSockets(),
    http: nodeHttp(),
    disks: nodeDisks(),
    env: process.env,
  };
}
