import { describeFlags } from "#pkg/golang/flags.ts";
import { flags } from "../options.ts";
import type { Outlet } from "../world.ts";

const purpose = "dutctl controls devices under test through a dutagent or a dutserver.\n";

/** Every form of a command line with what it does. */
export const forms = [
  ["dutctl [options] [list]", "list the devices; -l shows more of each"],
  ["dutctl [options] <device>", "list the commands of a device"],
  ["dutctl [options] <device> <command> [args...]", "run a command"],
  ["dutctl [options] <device> <command> help", "show what a command does"],
  ["dutctl [options] <device> lock [duration]", "reserve a device for yourself"],
  ["dutctl [options] <device> unlock [force [keep]]", "end your reservation, or anybody's"],
  ["dutctl [options] describe <device>", "show a device with its commands and arguments"],
  ["dutctl [options] watch [device]", "show devices and every change"],
  ["dutctl [options] runs [device]", "list what runs and what has run lately"],
  ["dutctl [options] attach <device> [run]", "take a run over whose client was lost"],
  ["dutctl config list|show|use|set|remove", "keep addresses and preferences under names"],
  ["dutctl completion bash|zsh|fish", "print the script that completes command lines"],
  ["dutctl help [topic]", "explain something: dutctl help lists the topics"],
  ["dutctl version", "show the version"],
] as const;

/** The forms as a block of lines. */
export function synopsis(): string {
  const width = Math.max(...forms.map(([form]) => form.length));
  return forms.map(([form, purpose]) => `  ${form.padEnd(width)}  ${purpose}\n`).join("");
}

/** The synopsis and the options, as shown after a command line that means nothing. */
export function shortUsage(): string {
  return `SYNOPSIS:\n${synopsis()}\nOPTIONS:\n${describeFlags(flags)}`;
}

/** What -h shows. */
export function fullUsage(): string {
  return `${purpose}\n${shortUsage()}
Options stand before the device; everything behind the device belongs to the command.
dutctl -- <device> always means the device, whatever it is called.
`;
}

/** What stands behind the problem of a command line. On a terminal the whole usage would push the problem off the screen. */
export function usageBehind(usage: string, { isTerminal }: Pick<Outlet, "isTerminal">): string {
  return isTerminal ? "  dutctl help shows every form of a command line, dutctl help options every option\n" : usage;
}
