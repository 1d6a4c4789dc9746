import { DutError } from "#pkg/errors/dut-error.ts";
import { parseFlags } from "#pkg/golang/flags.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Administration, KnownAgent } from "../administration/administration.ts";
import { openAdministration } from "../administration/open-administration.ts";
import { storeFlags, storeIn } from "../store-options.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Does something about names, and answers what to tell. */
type Verb = (names: readonly string[], administration: Administration) => Promise<string>;

/** `dutserver device …`. */
export function device(words: readonly string[], env: Environment): Promise<string> {
  return perform("device", words, env, {
    list: async (_, administration) =>
      (await administration.agents())
        .flatMap((agent) => (agent.devices ?? []).map((name) => `${name}\t${agent.name}\t${stateOf(agent)}\n`))
        .toSorted()
        .join(""),
    transfer: async ([name = "", agent = ""], administration) => {
      await administration.transfer(name, agent);
      return `device ${quote(name)} belongs to agent ${quote(agent)}\n`;
    },
    release: async ([name = ""], administration) => {
      await administration.transfer(name, undefined);
      return `device ${quote(name)} belongs to the next agent that claims it\n`;
    },
  });
}

/** `dutserver agent …`. */
export function agent(words: readonly string[], env: Environment): Promise<string> {
  return perform("agent", words, env, {
    list: async (_, administration) =>
      (await administration.agents())
        .map((known) => `${known.name}\t${known.key || "no key"}\t${stateOf(known)}\n`)
        .join(""),
    release: async ([name = ""], administration) => {
      await administration.release(name);
      return `agent name ${quote(name)} belongs to the next key that claims it, with its devices\n`;
    },
    remove: async ([name = ""], administration) => {
      await administration.remove(name);
      return `agent ${quote(name)} is forgotten, and its devices are free to be claimed\n`;
    },
  });
}

/** The words that each verb takes. */
const usages: Readonly<Record<string, readonly string[]>> = {
  "device list": [],
  "device transfer": ["DEVICE", "AGENT"],
  "device release": ["DEVICE"],
  "agent list": [],
  "agent release": ["AGENT"],
  "agent remove": ["AGENT"],
};

async function perform(
  subject: "device" | "agent",
  words: readonly string[],
  env: Environment,
  verbs: Readonly<Record<string, Verb>>,
): Promise<string> {
  const { values, positionals } = parseFlags(words, storeFlags);
  const [verb = "list", ...names] = positionals;
  const act = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  const wanted = usages[`${subject} ${verb}`];
  if (act === undefined || wanted === undefined || names.length !== wanted.length || names.includes("")) {
    const lines = Object.entries(usages).filter(([line]) => line.startsWith(subject));
    throw new DutError("invalid_argument", `${quote(positionals.join(" "))} is not what can be done about names`, {
      hint: lines.map(([line, more]) => ["dutserver", line, ...more].join(" ")).join(", "),
    });
  }
  await using administration = await openAdministration(storeIn(values, env), env);
  return await act(names, administration);
}

function stateOf({ offlineSinceMs = 0n, reason = "" }: KnownAgent): string {
  return offlineSinceMs === 0n
    ? "online"
    : `offline since ${new Date(Number(offlineSinceMs)).toISOString()}: ${reason}`;
}
