import { grantsOf } from "../../files/grants.ts";
import type { Output } from "../../output/output.ts";
import { openUserConsole } from "../../terminal/open-user-console.ts";
import { ownWords } from "../../terminal/own-words.ts";
import type { UserConsole } from "../../terminal/user-console.ts";
import type { Context } from "../context.ts";
import type { FileDesk } from "./exchange.ts";

/** What a run is shown on and takes its input and files from. Disposing leaves the terminal as it was found. */
export interface Stage extends AsyncDisposable {
  readonly console: UserConsole;
  readonly desk: FileDesk;
  /** Tells the user a sentence of the program's own, or of the agent, as one that is not the device's. */
  note(text: string): Promise<void>;
}

export interface StageOptions {
  /** The arguments that the user typed: the files that they name are granted. */
  readonly args: readonly string[];
  /** Shown with -v. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly runId?: string;
}

export function openStage({ world, options, out, subject }: Context, run: StageOptions): Stage {
  const { metadata, runId } = run;
  subject.runId = runId;
  const { allowRead, force } = options;
  const { directory, env } = world;
  const belonging = { metadata, ...(runId === undefined ? {} : { runId }) };
  const ownOut: Output = { format: out.format, write: (content) => out.write({ ...belonging, ...content }) };
  const console = openUserConsole(world, options, ownOut);
  const grants = grantsOf(run.args, { directory, env, allowRead, force });
  return {
    console,
    desk: { grants, sent: new Set(), out: ownOut, console },
    note: (text) => ownOut.write({ type: "notice", data: console.wasRaw ? ownWords(text) : text }),
    [Symbol.asyncDispose]: () => console[Symbol.asyncDispose](),
  };
}
