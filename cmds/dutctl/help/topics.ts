import { describeFlags } from "#pkg/golang/flags.ts";
import { exits } from "../exit-codes.ts";
import { flags } from "../options.ts";
import { settingKeys, settingVariables } from "../settings.ts";
import * as prose from "./prose.ts";
import { synopsis } from "./usage.ts";
import { wordSummaries, wordTexts } from "./words.ts";

interface Topic {
  readonly summary: string;
  readonly text: () => string;
}

const topics: Readonly<Record<string, Topic>> = {
  overview: { summary: "what dutctl does, and every form of a command line", text: overview },
  options: { summary: "every option", text: () => `${describeFlags(flags)}\n${prose.options}` },
  "exit-codes": { summary: "what the exit codes mean", text: exitCodes },
  environment: { summary: "the variables that dutctl reads", text: environment },
  "config-file": { summary: "the configuration file and its contexts", text: configFile },
  formats: { summary: "text, json, jsonl, yaml and oneline", text: () => prose.formats },
  files: { summary: "which of your files an agent can read and write", text: () => prose.files },
  console: { summary: "interactive consoles and their keys", text: () => prose.console },
  waiting: { summary: "devices that somebody else has, and lost connections", text: () => prose.waiting },
  tls: { summary: "secured connections, and certificates that say who you are", text: () => prose.tls },
  protocol: { summary: "the two protocols, and what the old one cannot do", text: () => prose.protocol },
  run: { summary: "run a command of a device", text: () => prose.run },
  lock: { summary: "reserve a device", text: () => prose.lock },
  unlock: { summary: "end a reservation", text: () => prose.unlock },
  ...Object.fromEntries(
    Object.entries(wordTexts).map(([word, text]) => [
      word,
      { summary: wordSummaries[word as keyof typeof wordTexts], text: () => text },
    ]),
  ),
};

/** Every topic in a line. */
export function topicSummaries(): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(topics).map(([name, { summary }]) => [name, summary]));
}

/** What there is to say about a topic; undefined for an unknown one. */
export function topicText(name: string): string | undefined {
  return Object.hasOwn(topics, name) ? topics[name]?.text() : undefined;
}

function overview(): string {
  return `dutctl controls devices under test through a dutagent or a dutserver.

${synopsis()}
Options stand before the device; everything behind the device belongs to the command. A device that
is called like one of the words above is reached by dutctl -- <device>.

TOPICS of dutctl help:
${columns(Object.entries(topicSummaries()))}`;
}

function exitCodes(): string {
  const rows = Object.values(exits).map(({ code, when }) => [String(code), when] as const);
  const own = ["1-119", "the remote program's own exit status, where a command runs one that fails"] as const;
  return `${columns([...rows.slice(0, 1), own, ...rows.slice(1)])}`;
}

function environment(): string {
  return `${columns([
    ...Object.entries(settingVariables).map(([variable, key]) => [variable, settingKeys[key]] as const),
    ["DUTCTL_CONTEXT", "the context of the configuration file to use, as for -context"],
    ["DUTCTL_COMPLETION_TIMEOUT", "how long the completion of a command line may ask the server; 100ms"],
    ["NO_COLOR", "no colours, unless it is empty"],
    [
      "USER",
      "the first half of who you are to other users, unless that is set otherwise; without it the name of the account",
    ],
    ["XDG_CONFIG_HOME, HOME", "where the configuration file is: dutctl help config-file"],
  ])}
A variable that is empty counts as not set. A flag goes before a variable, and a variable before the
current context of the configuration file; a context that -context names goes before the variables.
`;
}

function configFile(): string {
  return `${prose.configFile}
The keys of a context:
${columns(Object.entries(settingKeys))}`;
}

/** Pairs as two columns, the second one broken into lines. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  const margin = " ".repeat(width + 4);
  return rows
    .map(([name, text]) => `  ${name.padEnd(width)}  ${broken(text, 98 - width).join(`\n${margin}`)}\n`)
    .join("");
}

function broken(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1] as string;
    if (last !== "" && last.length + 1 + word.length > width) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
    }
  }
  return lines;
}
