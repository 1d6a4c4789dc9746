import type { Host } from "#pkg/host/host.ts";
import { silentLog } from "#pkg/log/log.ts";
import type { Call, ModuleKind } from "#pkg/modules/module.ts";
import { memoryHost } from "./memory-host.ts";

/** Configures, opens, runs and closes a module, as an agent does. */
export async function runModule(kind: ModuleKind, options: unknown, call: Call, parts: Partial<Host> = {}) {
  const context = { host: memoryHost(parts), log: silentLog, signal: call.signal };
  await using open = await kind.configure(options).open(context);
  await open.run(call);
}
