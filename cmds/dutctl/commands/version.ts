import { versionText } from "#pkg/protocol/version-text.ts";
import type { Output } from "../output/output.ts";

/** Shows which program this is. Nobody is asked for it. */
export async function version(out: Output, runtime: string): Promise<void> {
  await out.write({ type: "version", data: versionText("DUT Control Client", runtime) });
}
