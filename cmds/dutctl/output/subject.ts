import type { Invocation } from "../grammar.ts";
import type { Output } from "./output.ts";

/** What everything that a call says belongs to, as far as it is known by then. */
export interface Subject {
  readonly device: string | undefined;
  readonly command: string | undefined;
  /** Known from the moment that the run is asked for. */
  runId: string | undefined;
}

/** What a command line names. */
export function subjectOf(invocation: Invocation): Subject {
  return {
    device: "device" in invocation ? invocation.device : undefined,
    command: "command" in invocation ? invocation.command : undefined,
    runId: undefined,
  };
}

/** An output whose contents belong to a subject, where they do not say it by themselves. */
export function outputAbout(subject: Subject, out: Output): Output {
  return {
    format: out.format,
    write: (content) => {
      const { runId } = subject;
      return out.write({ subject, ...(runId === undefined ? {} : { runId }), ...content });
    },
  };
}
