/** What is to come of a command: an end, with Ctrl-C or by itself, or nothing yet, because it goes on. */
export type Ending = "ends" | "interrupted" | "goes on";

/** What is shown of a terminal, one text line each; a line of `…` stands for any number of lines. */
export interface Shown {
  readonly output: readonly string[];
  readonly ending: Ending;
}

/** Something that a reader of a tour does. */
export type Step =
  /** Typed into a shell of a machine; `lab-*` is every machine whose name begins with `lab-`. */
  | ({ readonly kind: "typed"; readonly machine: string; readonly line: string } & Shown)
  /** Looks again at what was started last of what goes on. */
  | ({ readonly kind: "looked" } & Shown)
  /** Writes a file in the home of a machine. */
  | { readonly kind: "written"; readonly machine: string; readonly path: string; readonly text: string }
  /** Done to the machines from outside, in the top folder of this repository. */
  | { readonly kind: "done"; readonly line: string };

const prompt = /^([a-z]+(?:-[0-9*])?)\$ (.*)$/;
const continuation = /^> (.*)$/;

/**
 * The steps below a heading of a text in Markdown. In a block of `console` a prompt names the machine, `> ` continues a
 * line, `^C` ends a program, and the last one of a machine whose output ends in a line of `…` goes on; a block that begins
 * with `…` is more of it. A block of `yaml` says in a comment which file of which machine it is. Lines of `sh` are done
 * to the machines. Throws for a heading that is not there.
 */
export function parseTour(markdown: string, heading: string): readonly Step[] {
  const [, section] = markdown.split(new RegExp(`^## ${heading}$`, "m"));
  if (section === undefined) {
    throw new Error(`there is no section "${heading}"`);
  }
  const [own = ""] = section.split(/^## /m);
  const blocks = own.matchAll(/^```(console|yaml|sh)\n([\s\S]*?)^```$/gm);
  return Array.from(blocks).flatMap(([, language, text = ""]) => stepsOf(language, text));
}

function stepsOf(language: string | undefined, text: string): readonly Step[] {
  if (language === "sh") {
    return linesOf(text).map((line): Step => ({ kind: "done", line: line.replace(/ +#.*$/, "") }));
  }
  if (language === "yaml") {
    const [, machine, path] = /^# (\S+): (\S+)\n/.exec(text) ?? [];
    return machine === undefined || path === undefined ? [] : [{ kind: "written", machine, path, text }];
  }
  return conversation(linesOf(text));
}

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split("\n");
}

function conversation(lines: readonly string[]): readonly Step[] {
  const steps: Step[] = [];
  let rest = lines;
  while (rest.length > 0) {
    const [first = "", ...others] = rest;
    const [, machine, typed = ""] = prompt.exec(first) ?? [];
    const more =
      machine === undefined
        ? []
        : others.slice(
            0,
            count(others, (line) => continuation.test(line)),
          );
    const shownFrom = machine === undefined ? 0 : 1 + more.length;
    const below = rest.slice(shownFrom);
    const output = below.slice(
      0,
      count(below, (line) => !prompt.test(line)),
    );
    const line = [typed, ...more.map((text) => text.replace(continuation, "$1"))].join("\n");
    steps.push(
      machine === undefined ? { kind: "looked", ...shown(output) } : { kind: "typed", machine, line, ...shown(output) },
    );
    rest = below.slice(output.length);
  }
  return steps.map((step, index) => (isFollowed(step, steps.slice(index + 1)) ? ended(step) : step));
}

/** A terminal takes another line when what ran in it has ended. */
function isFollowed(step: Step, later: readonly Step[]): boolean {
  return step.kind === "typed" && later.some((next) => next.kind === "typed" && next.machine === step.machine);
}

function ended(step: Step): Step {
  return step.kind === "typed" && step.ending === "goes on"
    ? { ...step, output: [...step.output, "…"], ending: "ends" }
    : step;
}

/** How many at the beginning are so. */
function count(lines: readonly string[], isSo: (line: string) => boolean): number {
  const end = lines.findIndex((line) => !isSo(line));
  return end === -1 ? lines.length : end;
}

function shown(output: readonly string[]): Shown {
  const last = output.at(-1);
  if (last === "^C") {
    return { output: output.slice(0, -1), ending: "interrupted" };
  }
  return last === "…" ? { output: output.slice(0, -1), ending: "goes on" } : { output, ending: "ends" };
}
