import { revision, revisionDate } from "#pkg/protocol/build-info.ts";
import { protocolVersion } from "#pkg/protocol/version.ts";
import type { Output } from "../output/output.ts";

/** Shows which program this is. Nobody is asked for it. */
export async function version(out: Output, runtime: string): Promise<void> {
  await out.write({
    type: "version",
    data:
      "DUT Control Client\n" +
      `Version: ${protocolVersion}\n` +
      `Code Revision ${revision.slice(0, 7)} from ${revisionDate} built with ${runtime}\n`,
  });
}
