import { z } from "zod";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Call, defineModule } from "../module.ts";

const ending = "\n\nprocessed by dummy.FT module\n";

/** Takes a file, adds a line and gives it back, to try both ways of a transfer without any hardware. */
export const dummyFt = defineModule({
  name: "dummy-ft",
  summary: "take a file, add a line and give it back",
  config: z.strictObject({}),
  help: () => "<in> <out>    takes the file <in>, adds a line and gives it back as <out>",
  async open() {
    return {
      async run({ args, session }) {
        await session.print("Hello from dummy file transfer module\n");
        await session.print(`Called with ${args.length} arguments\n`);
        const [input, output] = args;
        if (input === undefined || output === undefined || args.length > 2) {
          throw new DutError("invalid_argument", `expected 2 arguments, got ${args.length}`, {
            hint: "name the file to take and the file to give back",
          });
        }
        await session.print(`Requesting file ${quote(input)} passed in arg[0] as input\n`);
        await passThrough(session, input, output);
        await session.print(`File operated successfully, delivered ${quote(output)} as passed in arg[1] as output\n`);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

/** The file goes through piece by piece: nothing of it is kept on the agent. */
async function passThrough(session: Call["session"], input: string, output: string): Promise<void> {
  const content = await session.requestFile(input).catch((error: unknown) => {
    throw failed("file request failed", error);
  });
  let unreadable: DutError | undefined;
  async function* processed() {
    try {
      yield* content;
    } catch (error) {
      unreadable = failed("failed to read file", error);
      throw unreadable;
    }
    yield Buffer.from(ending);
  }
  await session.sendFile(output, processed()).catch((error: unknown) => {
    throw unreadable ?? failed("failed to send file", error);
  });
}

function failed(what: string, error: unknown): DutError {
  return new DutError(error instanceof DutError ? error.code : "aborted", `${what}: ${messageOf(error)}`, {
    cause: error,
  });
}
