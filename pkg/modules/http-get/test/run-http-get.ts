import { createHash } from "node:crypto";
import { explain } from "#pkg/errors/dut-error.ts";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { nodeHttp } from "#pkg/host/node-http.ts";
import type { Call } from "#pkg/modules/module.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { httpGet } from "../http-get.ts";

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes whose every part is of one place only. */
export function content(bytes: number, seed = 0): Buffer {
  return Buffer.from(Uint32Array.from({ length: Math.ceil(bytes / 4) }, (_, index) => index + seed).buffer, 0, bytes);
}

/** What a run printed, and the code, message and hint of its failure. */
export async function download(options: object, args: readonly string[] = []): Promise<readonly string[]> {
  return await run(options, recordedCall(args));
}

/** A run that its user ends when so many bytes are there. */
export async function downloadUntil(bytes: number, options: object): Promise<readonly string[]> {
  const ending = new AbortController();
  const { call, transcript } = recordedCall([], { signal: ending.signal });
  const progress: Call["session"]["progress"] = async ({ done }) => {
    if (done >= bytes) {
      ending.abort(new Error("the user left"));
    }
  };
  return await run(options, { call: { ...call, session: { ...call.session, progress } }, transcript });
}

async function run(
  options: object,
  { call, transcript }: Pick<ReturnType<typeof recordedCall>, "call" | "transcript">,
) {
  const failure = await runModule(httpGet, options, call, { files: nodeFiles(), http: nodeHttp() }).then(
    () => [],
    (error: unknown) => [`${(error as { code?: string }).code}: ${explain(error)}`],
  );
  return [...transcript.flatMap((said) => ("print" in said ? [said.print] : [])), ...failure];
}
