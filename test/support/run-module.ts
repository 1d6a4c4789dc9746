import type { Host } from "#pkg/host/host.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call, ModuleKind } from "#pkg/modules/module.ts";
import { memoryHost } from "./memory-host.ts";
import { recordedCall } from "./recorded-call.ts";

/** Configures, opens, runs and closes a module, as an agent does. */
export async function runModule(kind: ModuleKind, options: unknown, call: Call, parts: Partial<Host> = {}) {
  const context = { host: memoryHost(parts), log: silentLog, signal: call.signal };
  await using open = await kind.configure(options).open(context);
  await open.run(call);
}

/** What a module prints in one run; throws as the run. What else it says shows as a question mark. */
export async function printedBy(kind: ModuleKind, options: unknown, args: readonly string[], parts: Partial<Host>) {
  const { call, transcript } = recordedCall(args);
  await runModule(kind, options, call, parts);
  return transcript.map((said) => ("print" in said ? said.print : "?")).join("");
}
