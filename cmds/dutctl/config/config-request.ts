import { quote } from "#pkg/golang/quote.ts";
import { type SettingKey, settingKeys } from "../settings.ts";

/** What `dutctl config` is to do. */
export type ConfigRequest =
  | { readonly verb: "list" }
  /** The current context when none is named. */
  | { readonly verb: "show"; readonly context: string | undefined }
  | { readonly verb: "use"; readonly context: string }
  | {
      readonly verb: "set";
      /** The current one when none is named. */
      readonly context: string | undefined;
      /** An empty value takes the key away. */
      readonly values: readonly (readonly [key: SettingKey, value: string])[];
    }
  | { readonly verb: "remove"; readonly context: string };

/** The words behind `config`. */
export const configVerbs = {
  list: "list the contexts",
  show: "show a context, or the current one",
  use: "make a context the current one",
  set: "set values of a context",
  remove: "remove a context",
} as const satisfies Record<ConfigRequest["verb"], string>;

/** What a context may be called: a word that needs no quoting anywhere. */
const contextName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** True for a name that a context may have. */
export function isContextName(name: string): boolean {
  return contextName.test(name);
}

/** Reads the words behind `config`. A string says what is wrong with them. */
export function parseConfigRequest([verb = "list", ...args]: readonly string[]): ConfigRequest | string {
  const [name, ...more] = args;
  switch (verb) {
    case "list":
      return args.length === 0 ? { verb } : "config list takes no arguments";
    case "show":
      return args.length <= 1 ? { verb, context: name } : "config show takes at most the name of a context";
    case "use":
    case "remove":
      return name !== undefined && more.length === 0
        ? { verb, context: name }
        : `config ${verb} takes the name of a context`;
    case "set":
      return parseSet(args);
    default:
      return `config knows no ${quote(verb)}: it is list, show, use, set or remove`;
  }
}

function parseSet(args: readonly string[]): ConfigRequest | string {
  const [first = ""] = args;
  const named = first !== "" && !first.includes("=");
  if (named && !isContextName(first)) {
    return `${quote(first)} is no name for a context: it has letters, digits, dots, dashes and underscores, at most 64`;
  }
  const values: [SettingKey, string][] = [];
  for (const assignment of named ? args.slice(1) : args) {
    const [, key = "", value = ""] = /^([^=]*)=(.*)$/s.exec(assignment) ?? [];
    if (!Object.hasOwn(settingKeys, key)) {
      return `${quote(assignment)} is no KEY=VALUE: the keys are ${Object.keys(settingKeys).join(", ")}`;
    }
    values.push([key as SettingKey, value]);
  }
  return values.length === 0
    ? "config set takes KEY=VALUE once or more, behind the name of a context if it is not the current one"
    : { verb: "set", context: named ? first : undefined, values };
}
