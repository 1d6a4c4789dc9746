import type { Grants } from "../../files/grants.ts";
import { shownName } from "../../files/shown-name.ts";
import type { Output } from "../../output/output.ts";
import type { UserConsole } from "../../terminal/user-console.ts";

/** What the exchange of a run's files works with. */
export interface FileDesk {
  readonly grants: Grants;
  /** The paths that the agent has been sent. */
  readonly sent: Set<string>;
  readonly out: Output;
  readonly console: Pick<UserConsole, "progress">;
}

/** Says that a file is through. */
export function tellTransferred(
  { out }: FileDesk,
  direction: "sent" | "received",
  file: { readonly name: string; readonly bytes: number },
): Promise<void> {
  // The renderer quotes the name; here it gets a bounded length.
  const path = file.name.length <= 255 ? file.name : shownName(file.name);
  return out.write({ type: "file-transfer", data: { direction, path, bytes: file.bytes } });
}

/** Shows how far a file is. */
export function tellProgress(
  { console }: FileDesk,
  direction: "sent" | "received",
  file: { readonly transfer: number; readonly name: string; readonly done: number; readonly total: number | undefined },
  finished = false,
): void {
  const { transfer, name, done, total } = file;
  const label = `${direction === "sent" ? "↑" : "↓"} ${shownName(name)}`;
  console.progress({ key: `${direction} ${transfer}`, label, done, total, unit: "bytes", finished });
}
