/** doomed-agent.ts COMMAND: runs a shell command as an agent would, and waits to be killed. */
import { nodeProcesses } from "#pkg/host/node-processes.ts";

const [command = ""] = process.argv.slice(2);
const child = await nodeProcesses().start({
  program: "/bin/sh",
  args: ["-c", command],
  signal: new AbortController().signal,
});
await child.exited;
