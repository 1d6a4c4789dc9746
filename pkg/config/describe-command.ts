import type { CommandConfig } from "./config.ts";
import { describeCourse } from "./describe-course.ts";

/**
 * What `dutctl <device> <command> help` prints: the help of the module that takes the arguments, or what the command is
 * made of; and what the configuration says about its course.
 */
export function describeCommand(command: CommandConfig): string {
  const course = describeCourse(command);
  const help = helpOf(command);
  return course.length === 0 ? help : `${help.trimEnd()}\n\n${course.join("\n")}`;
}

function helpOf({ uses, arguments: declared }: CommandConfig): string {
  const passthrough = uses.find((use) => use.passthrough);
  if (passthrough !== undefined) {
    return passthrough.module.help;
  }
  const modules = `Command with ${uses.length} module(s): ${uses.map((use) => use.module.name).join(", ")}`;
  if (declared.length === 0) {
    return modules;
  }
  return `${modules}\n\nArguments:\n${declared.map(({ name, description }) => `  ${name}: ${description}\n`).join("")}`;
}
