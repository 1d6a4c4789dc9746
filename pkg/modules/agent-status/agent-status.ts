import { z } from "zod";
import { DutError, type DutErrorCode, messageOf } from "#pkg/errors/dut-error.ts";
import type { ExitStatus } from "#pkg/host/processes.ts";
import { defineModule } from "../module.ts";
import { RemoteExit } from "../remote-exit.ts";

/** Says what the agent runs on, in the words of uname. */
export const agentStatus = defineModule({
  name: "agent-status",
  summary: "print the system that the agent runs on",
  config: z.strictObject({}),
  help: () => "prints the system that the agent runs on; needs no arguments",
  async open(_config, { host: { processes } }) {
    return {
      async run({ session, signal }) {
        await using uname = await processes
          .start({ program: "uname", args: ["-a"], signal })
          .catch((error: unknown) => {
            signal.throwIfAborted();
            throw failed(error instanceof DutError ? error.code : "internal", messageOf(error), error);
          });
        const [stdout, stderr, status] = await Promise.all([text(uname.stdout), text(uname.stderr), uname.exited]);
        signal.throwIfAborted();
        if (status.kind === "killed" || status.code !== 0) {
          throw unwell(status, stderr.trim());
        }
        await session.print(`${stdout}\n`);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function text(output: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(output)).toString();
}

function unwell(status: ExitStatus, said: string): DutError {
  const why = failed("aborted", [howItEnded(status), said].filter((part) => part !== "").join(": "));
  return status.kind === "exited" ? new RemoteExit(status.code, why.message) : why;
}

function howItEnded(status: ExitStatus): string {
  return status.kind === "killed" ? `ended by ${status.signal}` : `exit status ${status.code}`;
}

function failed(code: DutErrorCode, why: string, cause?: unknown): DutError {
  return new DutError(code, `failed to run uname: ${why}`, { cause });
}
