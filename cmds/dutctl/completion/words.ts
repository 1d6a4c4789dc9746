import { DutError } from "#pkg/errors/dut-error.ts";
import { configVerbs } from "../config/config-request.ts";
import { shells } from "../grammar.ts";
import { topicSummaries } from "../help/topics.ts";
import { wordSummaries } from "../help/words.ts";
import type { CommandRow } from "../output/content.ts";
import { settingKeys } from "../settings.ts";
import type { World } from "../world.ts";
import type { Answer, Candidate } from "./answer.ts";
import type { Cursor } from "./cursor.ts";
import type { Live } from "./live.ts";
import { contexts } from "./option-values.ts";

type Ask = <T>(question: (live: Live) => Promise<T[]>) => Promise<T[]>;

/** What a word may become that is no option; without a peer what needs none. */
export async function answerWord(
  { before, terminated, written }: Cursor & { readonly kind: "word" },
  openLive: () => Promise<Live | undefined>,
  env: World["env"],
): Promise<Answer> {
  const ask: Ask = async (question) => {
    using live = await openLive();
    return live === undefined ? [] : await orNothing(question(live));
  };
  const [first, ...others] = before;
  if (first === undefined) {
    const devices = await ask((live) => live.devices());
    return words([...devices, ...(terminated ? [] : described(wordSummaries))]);
  }
  if (!terminated && Object.hasOwn(wordSummaries, first)) {
    return answerFirstWord(first as keyof typeof wordSummaries, others, { ask, env });
  }
  return answerDevice(first, others, { ask, written });
}

async function answerFirstWord(
  word: keyof typeof wordSummaries,
  args: readonly string[],
  { ask, env }: { readonly ask: Ask; readonly env: World["env"] },
): Promise<Answer> {
  const [first] = args;
  switch (word) {
    case "describe":
    case "watch":
    case "runs":
      return words(args.length === 0 ? await ask((live) => live.devices()) : []);
    case "attach":
      if (first === undefined) {
        return words(await ask((live) => live.devices()));
      }
      return words(args.length === 1 ? await ask((live) => live.runs(first)) : []);
    case "config":
      return answerConfig(args, env);
    case "completion":
      return words(args.length === 0 ? shells.map((value) => ({ value })) : []);
    case "help":
      return words(args.length === 0 ? described(topicSummaries()) : []);
    case "list":
    case "version":
      return words([]);
  }
}

async function answerConfig([verb, ...args]: readonly string[], env: World["env"]): Promise<Answer> {
  if (verb === undefined) {
    return words(described(configVerbs));
  }
  if (verb === "set") {
    const keys = Object.entries(settingKeys).map(([key, description]) => ({ value: `${key}=`, description }));
    return { kind: "open", candidates: args.length === 0 ? [...(await contexts(env)), ...keys] : keys };
  }
  return words(args.length === 0 && verb !== "list" ? await contexts(env) : []);
}

const lockWords = { lock: "reserve the device", unlock: "end a reservation" } as const;

async function answerDevice(
  device: string,
  [command, ...args]: readonly string[],
  { ask, written }: { readonly ask: Ask; readonly written: string },
): Promise<Answer> {
  if (command === undefined) {
    const commands = await ask((live) => live.commands(device));
    return words([...commands.map(({ name, description }) => ({ value: name, description })), ...described(lockWords)]);
  }
  if (command === "lock") {
    return words(args.length === 0 ? ["15m", "30m", "1h", "2h", "8h"].map((value) => ({ value })) : []);
  }
  if (command === "unlock") {
    const next = ["force", "keep"].slice(args.length, args.length + 1);
    return words(args[0] === undefined || args[0] === "force" ? next.map((value) => ({ value })) : []);
  }
  const commands = await ask((live) => live.commands(device));
  return answerArgument(
    commands.find(({ name }) => name === command),
    { position: args.length, written },
  );
}

/** Names of arguments that are likely those of files. */
const fileWord = /file|path|image|firmware|binary|rom|source|destination/i;

/** A shell writes the only answer by itself: where an argument belongs, `help` has to be begun by the user. */
function answerArgument(
  command: CommandRow | undefined,
  { position, written }: { readonly position: number; readonly written: string },
): Answer {
  const argument = command?.arguments[position];
  const helps = position === 0 && (argument === undefined || written !== "");
  const help: Candidate[] = helps ? [{ value: "help", description: "show what the command does" }] : [];
  const isFile =
    command === undefined ||
    command.passthrough ||
    (argument !== undefined && fileWord.test(`${argument.name} ${argument.description}`));
  return {
    kind: isFile ? "files" : "words",
    candidates: help,
    hint: argument && (argument.description === "" ? argument.name : `${argument.name}: ${argument.description}`),
  };
}

function words(candidates: readonly Candidate[]): Answer {
  return { kind: "words", candidates };
}

function described(summaries: Readonly<Record<string, string>>): Candidate[] {
  return Object.entries(summaries).map(([value, description]) => ({ value, description }));
}

/** A peer that cannot be reached, is slow or refuses is none. */
async function orNothing<T>(question: Promise<T[]>): Promise<T[]> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof DutError) {
      return [];
    }
    throw error;
  }
}
