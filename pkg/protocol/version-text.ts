import { packageVersion, revision, revisionDate } from "./build-info.ts";

/** The version of the wire that the programs implement; the existing programs compare it by semantic versioning. */
const wireVersion = "1.0.0-alpha.1";

/** What the programs send as Dutctl-Version. What stands behind the `+` is build metadata, which is not compared. */
export const protocolVersion = `${wireVersion}+${packageVersion}`;

/** What a program prints when it is asked for its version. */
export function versionText(title: string, runtime: string): string {
  return `${title}\nVersion: ${protocolVersion}\nCode Revision ${revision} from ${revisionDate} built with ${runtime}\n`;
}
