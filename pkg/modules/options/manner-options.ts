import { z } from "zod";

/** Which of the two ways to hear what a user runs, and whether it may have the user's terminal, or what is piped in. */
export interface Manner {
  readonly quiet: boolean;
  readonly interactive: boolean;
}

/** The options that say so of a command or a script. To be refined with `notBoth`. */
export function mannerOptions(command: string) {
  return {
    quiet: z.boolean().default(false).describe(`show nothing but the stderr of a ${command} that failed`),
    interactive: z.boolean().default(false).describe(`give the ${command} the user's terminal, or what is piped in`),
  };
}

/** What `refine` takes to refuse both: there is nothing to see at a terminal where nothing is shown. */
export function notBoth(module: string) {
  const isEither = ({ quiet, interactive }: Manner) => !(quiet && interactive);
  const message = `an interactive ${module} cannot be quiet: leave one of the two options out`;
  return [isEither, { path: ["quiet"], message }] satisfies Parameters<z.ZodType<Manner>["refine"]>;
}
