import { resolve } from "node:path";
import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Host } from "#pkg/host/host.ts";
import { type Call, defineModule } from "../module.ts";
import { mannerOptions, notBoth } from "../options/manner-options.ts";
import { endedBadly, endedWell } from "../tool/ended-badly.ts";
import { type Command, runAsUser } from "../tool/run-as-user.ts";

const config = z
  .strictObject({
    path: z.string().min(1).describe("the script, a file on the agent"),
    interpreter: z
      .string()
      .min(1)
      .optional()
      .describe("what runs it: a path, or a name that is searched on PATH; without it, what its first line says (#!)"),
    directory: z.string().min(1).optional().describe("the directory that it runs in; without it, the agent's"),
    ...mannerOptions("script"),
  })
  .refine(...notBoth("script"));

type Options = z.output<typeof config>;

/** Runs a file on the agent with what the user typed as its arguments. No shell reads them. */
export const script = defineModule({
  name: "script",
  summary: "run a script on the agent with the user's arguments",
  config,
  help: helpText,
  async open(options, { host }) {
    const command = await findScript(options, host);
    return {
      run: (call) => run(call, host, command, options),
      async [Symbol.asyncDispose]() {},
    };
  },
});

/** The program to start and what stands before the user's arguments. */
async function findScript({ path, interpreter, directory }: Options, { files, processes }: Host): Promise<Command> {
  // An absolute path is no option of an interpreter, and is the same in any directory.
  const file = resolve(path);
  const common = { title: "script", ...(directory !== undefined && { cwd: resolve(directory) }) };
  if ((await files.size(file)) === undefined) {
    throw new DutError("not_found", `there is no script ${quote(file)} on the agent`, {
      hint: "set the option path to one",
    });
  }
  if (interpreter === undefined) {
    if ((await processes.find(file)) === undefined) {
      throw new DutError("permission_denied", `the agent may not run the script ${quote(file)}`, {
        hint: "chmod +x it, or set the option interpreter",
      });
    }
    return { ...common, program: file, args: [] };
  }
  const program = await processes.find(interpreter);
  if (program === undefined) {
    throw new DutError("not_found", `there is no program ${quote(interpreter)} on the agent to run the script with`, {
      hint: "set the option interpreter to one of the agent, such as python3",
    });
  }
  return { ...common, program, args: [file] };
}

async function run(call: Call, { processes }: Host, command: Command, options: Options): Promise<void> {
  const status = await runAsUser(call, processes, { ...command, args: [...command.args, ...call.args] }, options);
  if (!endedWell(status)) {
    throw endedBadly("script", status, "");
  }
}

function helpText({ path, interpreter, directory, quiet, interactive }: Options): string {
  const how = interpreter === undefined ? path : `${interpreter} ${path}`;
  const where = directory === undefined ? "the agent's working directory" : directory;
  const input = interactive
    ? "It has your terminal; without one, its stdin is what is piped in."
    : "Its stdin is empty.";
  const output = quiet
    ? "Nothing is shown unless it fails; then its stderr is."
    : "Its output is shown as it is produced.";
  return `[<argument>...]    runs ${how} on the agent with these arguments, as they are

It runs in ${where}. ${input} ${output}
`;
}
