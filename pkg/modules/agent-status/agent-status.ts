import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { ExitStatus } from "#pkg/host/processes.ts";
import { defineModule } from "../module.ts";
import { RemoteExit } from "../remote-exit.ts";
import { askTool } from "../tool/ask-tool.ts";
import { endedWell } from "../tool/ended-badly.ts";
import { excerpt } from "../tool/excerpt.ts";
import { findTool } from "../tool/find-tool.ts";

/** Says what the agent runs on, in the words of uname. */
export const agentStatus = defineModule({
  name: "agent-status",
  summary: "print the system that the agent runs on",
  config: z.strictObject({}),
  help: () => "prints the system that the agent runs on; needs no arguments",
  async open(_config, { host: { processes } }) {
    const program = await findTool(processes, "uname", "coreutils");
    return {
      async run({ session, signal }) {
        const { stdout, stderr, status } = await askTool(processes, "uname", { program, args: ["-a"], signal });
        if (!endedWell(status)) {
          throw unwell(status, excerpt(stderr.trim()));
        }
        await session.print(`${stdout}\n`);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

function unwell(status: ExitStatus, said: string): DutError {
  const how = status.kind === "killed" ? `ended by ${status.signal}` : `exit status ${status.code}`;
  const message = `failed to run uname: ${[how, said].filter((part) => part !== "").join(": ")}`;
  return status.kind === "exited" ? new RemoteExit(status.code, message) : new DutError("aborted", message);
}
