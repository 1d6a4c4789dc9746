import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { defineModule } from "../module.ts";
import { linesOf } from "./lines.ts";

const longestLine = 64 * 1024;
const blank = /[ \t]/;

/** Repeats what is typed, to try an interactive command without any hardware. */
export const dummyRepeat = defineModule({
  name: "dummy-repeat",
  summary: "repeat each word that is typed",
  config: z.strictObject({}),
  help: () => "repeats each word that is typed on a line of its own; a line of two words ends it",
  async open() {
    return {
      async run({ session }) {
        await session.stdout(
          Buffer.from("Hello from dummy repeat module!\nEnter one word per line. (Two words will terminate)\n"),
        );
        for await (const line of linesOf(session.stdin, longestLine)) {
          if (blank.test(line.toString("latin1").trimEnd())) {
            await session.stderr(Buffer.from("Oh no! Can only handle one word per line.\n"));
            return;
          }
          await session.stdout(Buffer.concat([line, Buffer.from("\n")]));
        }
        throw new DutError("aborted", "EOF", { hint: "the input ended before a line of two words" });
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});
