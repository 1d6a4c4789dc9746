import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ConfiguredModule, ModuleKind } from "#pkg/modules/module.ts";
import type { ArgumentConfig, ArgumentTemplate, ModuleUse } from "./config.ts";
import { configureModule } from "./options/configure-module.ts";
import { parseWhen, warnAboutIdle } from "./parse-course.ts";
import type { Parsing } from "./parsing.ts";
import {
  complain,
  complainAboutKey,
  fieldsOf,
  itemsOf,
  optionalTextOf,
  type Place,
  textOf,
  truthOf,
  warn,
  warnAboutKey,
} from "./place.ts";
import { namesSecret } from "./secrets/secret-source.ts";
import { parseShellTemplate } from "./shell/shell-template.ts";
import { argumentName, referencesIn } from "./template.ts";
import { isNothing } from "./yaml/yaml-node.ts";

interface CommandParts {
  readonly command: Place;
  readonly uses: Place | undefined;
  readonly args: Place | undefined;
  readonly declared: readonly ArgumentConfig[];
}

/** The arguments that a command declares. */
export function parseArguments(args: Place | undefined): readonly ArgumentConfig[] {
  const declaredAt = new Map<string, Place>();
  return itemsOf(args, "a list of arguments, each with name and desc").map((place) => {
    const { name: namePlace, desc } = fieldsOf(place, ["name", "desc"]);
    const name = optionalTextOf(namePlace);
    const at = namePlace ?? place;
    const first = declaredAt.get(name);
    if (name === "") {
      complainAboutNoName(place, namePlace);
    } else if (!argumentName.test(name)) {
      complain(at, `${quote(name)} cannot be referred to; use letters, digits, - and _ in the name of an argument`);
    } else if (first !== undefined) {
      complain(at, `argument ${quote(name)} is declared twice, first at line ${first.node.at.line}`);
    } else {
      declaredAt.set(name, at);
    }
    return { name, description: optionalTextOf(desc) };
  });
}

function complainAboutNoName(place: Place, name: Place | undefined): void {
  const hasOtherProblem = place.node.kind !== "map" || name?.node.kind === "map" || name?.node.kind === "list";
  if (!hasOtherProblem) {
    complain(name ?? place, "an argument needs a name");
  }
}

/** The modules of a command, without those that cannot be configured. Which module gets which arguments is checked here. */
export function parseUses({ command, uses, args, declared }: CommandParts, parsing: Parsing): readonly ModuleUse[] {
  const places = itemsOf(uses, "a list of modules");
  if (places.length === 0 && (uses === undefined || uses.node.kind === "list" || isNothing(uses.node))) {
    complainAboutKey(uses ?? command, "command must have at least one module, under uses:");
    return [];
  }
  const names = declared.map((argument) => argument.name);
  const parsed = places.map((place) => parseUse(place, names, parsing));
  warnAboutIdle(parsed);
  const [passthrough, ...others] = parsed.filter((use) => use.passthrough);
  for (const { place } of others) {
    complain(place, "command must have at most one passthrough module; there is another one above");
  }
  if (passthrough !== undefined && args !== undefined && declared.length > 0) {
    complainAboutKey(args, "command cannot have both passthrough module and args declaration; remove one of them");
  } else {
    complainAboutUnused(
      args,
      declared,
      new Set(parsed.flatMap((use) => use.args.flatMap(({ text }) => referencesIn(text)))),
    );
  }
  return parsed.flatMap(({ module, when, passthrough, args }) =>
    module === undefined ? [] : [{ module, when, passthrough, args }],
  );
}

interface ParsedUse extends Omit<ModuleUse, "module"> {
  readonly place: Place;
  readonly module: ConfiguredModule | undefined;
  readonly whenAt: Place | undefined;
}

function parseUse(place: Place, declared: readonly string[], parsing: Parsing): ParsedUse {
  const fields = fieldsOf(place, ["module", "passthrough", "args", "with", "unsafe", "when"]);
  const passthrough = truthOf(fields.passthrough);
  const when = parseWhen(fields.when);
  const argPlaces = itemsOf(fields.args, "a list of texts");
  const args = argPlaces.map(textOf);
  if (passthrough && fields.args !== undefined && args.length > 0) {
    complainAboutKey(fields.args, "passthrough module must not have args set: it gets what the user types");
  } else {
    for (const [index, text] of args.entries()) {
      complainAboutUndeclared(argPlaces[index] as Place, text, declared);
    }
  }
  const kind = kindOf(fields.module ?? place, parsing.kinds);
  const module = kind && configureModule(kind, fields.with, place, parsing);
  const templates = args.map((text, index) => ({ text, quoted: module?.shellArguments.includes(index) === true }));
  if (module !== undefined) {
    parsing.claims.take(module, place);
  }
  const parsed = { place, passthrough, module, when, whenAt: fields.when };
  if (!truthOf(fields.unsafe)) {
    for (const [index, template] of templates.entries()) {
      checkQuotes(argPlaces[index] as Place, template);
    }
    return { ...parsed, args: templates };
  }
  if (module !== undefined && !templates.some(({ text, quoted }) => quoted && referencesIn(text).length > 0)) {
    warnAboutKey(
      fields.unsafe as Place,
      `unsafe has no effect here: module ${module.name} gets no value through a shell`,
    );
  }
  return { ...parsed, args: args.map((text) => ({ text, quoted: false })) };
}

function checkQuotes(place: Place, { text, quoted }: ArgumentTemplate): void {
  if (quoted) {
    for (const { name, where } of parseShellTemplate(text).refusals) {
      complain(
        place,
        `\${${name}} cannot be quoted ${where}; move it elsewhere, or write unsafe: true beside module: to insert values as they are`,
      );
    }
  }
  if (namesSecret(text)) {
    warn(place, "no secret is put in here, where others could see it; write it under with:, as the value of an option");
  }
}

function kindOf(place: Place, kinds: readonly ModuleKind[]): ModuleKind | undefined {
  const { node } = place;
  if (node.kind !== "scalar" || isNothing(node) || node.text === "") {
    const isMissing = place.path.at(-1) !== "module" || node.kind === "scalar";
    complain(
      place,
      isMissing ? "module name must not be empty; write module: and the name of one" : "expected the name of a module",
    );
    return undefined;
  }
  const kind = kinds.find(({ name }) => name === node.text);
  if (kind === undefined) {
    const names = kinds.map(({ name }) => name).sort();
    const meant = nearest(node.text, names);
    const hint =
      meant === undefined ? `there are: ${names.join(", ")}` : `did you mean ${meant}? there are: ${names.join(", ")}`;
    complain(place, `no module named ${quote(node.text)} (${hint})`);
  }
  return kind;
}

function complainAboutUndeclared(place: Place, text: string, declared: readonly string[]): void {
  for (const name of new Set(referencesIn(text))) {
    if (declared.includes(name)) {
      continue;
    }
    const meant = nearest(name, declared);
    const known = declared.length === 0 ? "the command declares none" : `declared: ${declared.join(", ")}`;
    const hint = `${meant === undefined ? "" : `did you mean ${meant}? `}${known}; write $\${${name}} for the text itself, or $${name} for a shell's variable`;
    complain(place, `undefined argument reference \${${name}} (${hint})`);
  }
}

function complainAboutUnused(
  args: Place | undefined,
  declared: readonly ArgumentConfig[],
  used: ReadonlySet<string>,
): void {
  itemsOf(args?.node.kind === "list" ? args : undefined, "").forEach((place, index) => {
    const name = declared[index]?.name ?? "";
    if (argumentName.test(name) && !used.has(name)) {
      complain(place, `argument ${quote(name)} is never used; write \${${name}} in the args of a module or remove it`);
    }
  });
}
