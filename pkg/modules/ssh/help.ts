import { quote } from "#pkg/golang/quote.ts";
import type { SshOptions } from "./options.ts";

/** What a user may write behind the name of the command, and what is to be known before. */
export function helpText(options: SshOptions): string {
  const { trust, jump } = options;
  const trusting = [trust, jump?.trust, jump?.jump?.trust].includes("any");
  return `${options.operation === undefined ? forCommand(options) : forFile(options)}${
    trusting ? "\n\nWhoever answers in the place of a server is taken for it (trust: any)." : ""
  }`;
}

function forCommand({ interactive }: SshOptions): string {
  const usage = interactive
    ? "[<command-string>]    runs a command on the board over SSH, or without a command-string a shell"
    : "<command-string>    runs a command on the board over SSH";
  const input = interactive
    ? "It has your terminal; without one, its stdin is what is piped in."
    : "Its stdin is empty.";
  return `${usage}

The command string is one argument: quote it if it holds blanks or special characters.
${input} Its stdout and stderr are shown as they are produced.`;
}

function forFile({ operation, source, destination, permission, root }: SshOptions): string {
  const usage = [source === undefined ? "<source>" : "", destination === undefined ? "[<destination>]" : ""]
    .filter((word) => word !== "")
    .join(" ");
  const way = operation === "upload" ? "from you to the board" : "from the board to you";
  const facts = [
    source === undefined ? undefined : `The source is ${quote(source)}.`,
    destination === undefined
      ? "Without a destination it has the last name of the source."
      : `The destination is ${quote(destination)}.`,
    operation === "upload" ? `The file gets the permission ${permission}.` : undefined,
    root === undefined ? undefined : `Paths on the board start at ${root} and stay below it.`,
  ].filter((fact) => fact !== undefined);
  return `${usage || "(no arguments)"}    carries a file ${way} by SFTP\n\n${facts.join("\n")}`;
}
