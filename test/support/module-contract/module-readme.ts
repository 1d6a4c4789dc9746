/** A fenced block of YAML. */
export interface YamlBlock {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** The headings that every module's README has, in this order. Others may stand between them. */
export const readmeForm = [
  "Needs",
  "Options",
  "Arguments",
  "Example",
  "Errors",
  "What was tried",
  "Differences from the Go module",
] as const;

/** The modules of the Go agent, whose READMEs say what differs. */
export const goModules: ReadonlySet<string> = new Set([
  "agent-status",
  "dummy-ft",
  "dummy-repeat",
  "dummy-status",
  "file",
  "flash",
  "flash-emulate",
  "gpio-button",
  "gpio-switch",
  "ipmi",
  "pdu",
  "serial",
  "shell",
  "ssh",
  "time-wait",
  "wifisocket",
]);

/** The text below a second-level heading, up to the next one; undefined when there is no such heading. */
export function sectionOf(readme: string, heading: string): string | undefined {
  return sectionsOf(readme).get(heading);
}

/** The headings of the form that a README has, in its order. */
export function formOf(readme: string): readonly string[] {
  return Array.from(sectionsOf(readme).keys()).filter((heading) => (readmeForm as readonly string[]).includes(heading));
}

export function yamlBlocks(readme: string): readonly YamlBlock[] {
  return Array.from(readme.matchAll(/^```ya?ml\n([\s\S]*?)^```/gm), ({ index, 1: text = "" }) => ({
    line: readme.slice(0, index).split("\n").length,
    text,
  }));
}

/** First column of the table with the head `| option | type | default | meaning |`; none is written when there are no options. */
export function documentedOptions(readme: string): readonly string[] {
  return firstColumn(readme, ["option", "type", "default", "meaning"]).sort();
}

/** First column of the table with the head `| message | what to do |`. */
export function documentedErrors(readme: string): readonly string[] {
  return firstColumn(sectionOf(readme, "Errors") ?? "", ["message", "what to do"]);
}

/** What stands between angle brackets in the code of the section on arguments: `<image>`, but not `<image>.new`. */
export function documentedArguments(readme: string): ReadonlySet<string> {
  const code = (sectionOf(readme, "Arguments") ?? "").match(/```[\s\S]*?```|`[^`\n]+`/g) ?? [];
  return new Set(code.flatMap((text) => text.match(/(?<![\w/.])<[a-z][\w -]*>(?!\.?[\w/])/g) ?? []));
}

function sectionsOf(readme: string): ReadonlyMap<string, string> {
  const [, ...sections] = withoutBlocks(readme).split(/^## /m);
  return new Map(
    sections.map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end + 1).replaceAll(hiddenHash, "#")];
    }),
  );
}

const hiddenHash = "\u0000";

/** A comment at the start of a line of a block is no heading. */
function withoutBlocks(readme: string): string {
  return readme.replace(/^```[\s\S]*?^```/gm, (block) => block.replaceAll("#", hiddenHash));
}

function firstColumn(text: string, head: readonly string[]): string[] {
  const titles = head.map((title) => ` *${title} *`).join("\\|");
  const table = new RegExp(`^\\|${titles}\\|\\n\\|[-:| ]+\\|\\n((?:\\|.*\\n?)*)`, "m").exec(text)?.[1] ?? "";
  return Array.from(table.matchAll(/^\|\s*(`[^`]*`|[^|]*?)\s*\|/gm), ([, cell = ""]) => cell.replaceAll("`", ""));
}
