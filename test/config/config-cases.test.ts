import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { stringify } from "yaml";
import type { AgentConfig, CommandConfig } from "#pkg/config/config.ts";
import { ConfigError } from "#pkg/config/config-error.ts";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { caseKinds } from "./kinds.ts";

/**
 * A case is a YAML file that ends in comment lines: the messages it must give, or after a line `# configuration:` the
 * configuration it stands for.
 */
const folder = import.meta.dirname;

for (const file of (await readdir(folder)).filter((name) => name.endsWith(".yaml")).sort()) {
  test(`${file} gives what its last lines say`, async () => {
    const text = await readFile(`${folder}/${file}`, "utf8");
    assert.equal(outcome(file, text), trailingComment(text));
  });
}

function trailingComment(text: string): string {
  const [comment = ""] = /(?:^#.*\n?)*$(?![\s\S])/m.exec(text) ?? [];
  return comment.replaceAll(/^# ?/gm, "").trimEnd();
}

function outcome(file: string, text: string): string {
  try {
    return `configuration:\n${stringify(plain(parseConfig(file, text, caseKinds)), { lineWidth: 0 })}`.trimEnd();
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.message;
    }
    throw error;
  }
}

/** The configuration as data, without what was left out. */
function plain({ devices }: AgentConfig): unknown {
  return Object.fromEntries(
    Array.from(devices.values(), ({ name, description, commands }) => [
      name,
      {
        ...describe(description),
        ...Object.fromEntries(Array.from(commands.values(), (c) => [c.name, plainCommand(c)])),
      },
    ]),
  );
}

function plainCommand({ description, arguments: declared, uses }: CommandConfig): unknown {
  return {
    ...describe(description),
    ...(declared.length > 0 && { arguments: Object.fromEntries(declared.map((a) => [a.name, a.description])) }),
    uses: uses.map(({ module, passthrough, args }) => ({
      [module.name]: JSON.parse(module.help),
      ...(passthrough && { passthrough }),
      ...(args.length > 0 && { args }),
    })),
  };
}

function describe(description: string): object {
  return description === "" ? {} : { description };
}
