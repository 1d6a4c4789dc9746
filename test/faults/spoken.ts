import { randomUUID } from "node:crypto";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Connection } from "#pkg/protocol/client.ts";

/** What a run said to its client. */
export interface Spoken {
  readonly stdout: string;
  readonly stderr: string;
  /** `ok`, or the code and the message of what it failed with. */
  readonly end: string;
}

export interface Command {
  readonly device: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Runs one command to its end, as a client that says nothing more. */
export type Speak = (connection: Connection, command: Command, signal?: AbortSignal) => Promise<Spoken>;

/** Both ways of running a command. */
export const protocols: readonly { readonly name: "dutctl.v1" | "dutlab.v1"; readonly speak: Speak }[] = [
  { name: "dutctl.v1", speak: speakV1 },
  { name: "dutlab.v1", speak: speakLab },
];

export async function speakV1(connection: Connection, command: Command, signal?: AbortSignal): Promise<Spoken> {
  const over = Promise.withResolvers<void>();
  async function* requests() {
    yield { msg: { case: "command" as const, value: { ...command, args: [...command.args] } } };
    await over.promise;
  }
  let stdout = "";
  let stderr = "";
  try {
    for await (const { msg } of connection.devices.run(requests(), signalled(signal))) {
      if (msg.case === "print") {
        stdout += Buffer.from(msg.value.text);
      } else if (msg.case === "console" && msg.value.data.case === "stdout") {
        stdout += Buffer.from(msg.value.data.value);
      } else if (msg.case === "console" && msg.value.data.case === "stderr") {
        stderr += Buffer.from(msg.value.data.value);
      }
    }
    return { stdout, stderr, end: "ok" };
  } catch (error) {
    return { stdout, stderr, end: sentence(error) };
  } finally {
    over.resolve();
  }
}

async function speakLab(connection: Connection, command: Command, signal?: AbortSignal): Promise<Spoken> {
  const over = Promise.withResolvers<void>();
  async function* requests() {
    yield {
      device: command.device,
      msg: {
        case: "start" as const,
        value: { runId: randomUUID(), command: command.command, args: [...command.args] },
      },
    };
    await over.promise;
  }
  let stdout = "";
  let stderr = "";
  let end = "no end";
  try {
    for await (const { msg } of connection.runs.run(requests(), signalled(signal))) {
      if (msg.case === "print" || msg.case === "stdout") {
        stdout += Buffer.from(msg.value);
      } else if (msg.case === "stderr") {
        stderr += Buffer.from(msg.value);
      } else if (msg.case === "end") {
        end = msg.value.code === "ok" ? "ok" : `${msg.value.code}: ${msg.value.message}`;
        over.resolve();
      }
    }
    return { stdout, stderr, end };
  } catch (error) {
    return { stdout, stderr, end: sentence(error) };
  } finally {
    over.resolve();
  }
}

function signalled(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function sentence(error: unknown): string {
  if (!(error instanceof DutError)) {
    throw error;
  }
  return `${error.code}: ${error.message}`;
}
