import { z } from "zod";
import { defineModule } from "../module.ts";

/** Prints its arguments, to try a configuration without any hardware. */
export const dummyStatus = defineModule({
  name: "dummy-status",
  summary: "print a greeting and the arguments",
  config: z.strictObject({}),
  help: () => "[argument…]    prints a greeting and each argument; touches no hardware",
  async open() {
    return {
      async run({ args, session }) {
        await session.print("Hello from dummy status module\n");
        await session.print(`Called with ${args.length} arguments\n`);
        for (const [index, argument] of args.entries()) {
          await session.print(`Arg ${index}: ${argument}\n`);
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});
