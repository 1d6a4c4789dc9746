import type { Step } from "./step.ts";

/** What is shown, with the agents' configurations that it needs. */
export interface Tour {
  /** One for each agent, relative to the top of the repository. */
  readonly configs: readonly string[];
  readonly chapters: readonly Chapter[];
  /** What to try when the tour is over, and what that does. */
  readonly ideas: readonly (readonly [line: string, what: string])[];
}

export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}
