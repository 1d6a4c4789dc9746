import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { stringify } from "yaml";
import type { AgentConfig, CommandConfig } from "#pkg/config/config.ts";
import { ConfigError, renderProblem } from "#pkg/config/config-error.ts";
import { parseConfig } from "#pkg/config/parse-config.ts";
import { ProcessSecrets } from "#pkg/config/secrets/secret-source.ts";
import { caseKinds } from "./kinds.ts";

/**
 * A case is a YAML file that ends in comment lines: the messages it must give, or after a line `# configuration:` the
 * configuration it stands for, with what it is warned about before that. Others can read the files, which is why some
 * are warned about their secrets.
 */
const folder = import.meta.dirname;

const secrets = new ProcessSecrets({ PASSWORD: "hunter2", PIN: "1234" }, folder);

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
    const config = parseConfig(file, text, caseKinds, { secrets, readableByOthers: true });
    const warnings = config.warnings.map((warning) => renderProblem(file, warning));
    return [
      ...(warnings.length === 0 ? [] : ["warnings:", ...warnings]),
      `configuration:\n${stringify(plain(config), { lineWidth: 0 })}`.trimEnd(),
    ].join("\n");
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
    Array.from(devices.values(), ({ name, description, labels, commands }) => [
      name,
      {
        ...describe(description),
        ...(labels.size > 0 && { labels: Object.fromEntries(labels) }),
        ...Object.fromEntries(Array.from(commands.values(), (c) => [c.name, plainCommand(c)])),
      },
    ]),
  );
}

function plainCommand(command: CommandConfig): unknown {
  const { arguments: declared, uses, timeoutMs, retries, retryAfterMs } = command;
  return {
    ...describe(command.description),
    ...(declared.length > 0 && { arguments: Object.fromEntries(declared.map((a) => [a.name, a.description])) }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retries > 0 && { retries }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    uses: uses.map(({ module, when, passthrough, args }) => ({
      [module.name]: JSON.parse(module.help),
      ...(when !== "success" && { when }),
      ...(passthrough && { passthrough }),
      ...(args.length > 0 && { args: args.map(({ text, quoted }) => (quoted ? { "for a shell": text } : text)) }),
    })),
  };
}

function describe(description: string): object {
  return description === "" ? {} : { description };
}
