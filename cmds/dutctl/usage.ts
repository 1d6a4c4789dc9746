import { describeFlags } from "#pkg/golang/flags.ts";
import { flags } from "./grammar.ts";

const purpose = "dutctl controls devices under test through a dutagent or a dutserver.\n";

const synopsis = `SYNOPSIS:
  dutctl [options] [list]                            list the devices
  dutctl [options] <device>                          list the commands of a device
  dutctl [options] <device> <command> [args...]      run a command
  dutctl [options] <device> <command> help           show what a command does
  dutctl version                                     show the version
`;

/** The synopsis and the options, as shown after a command line that means nothing. */
export function shortUsage(): string {
  return `${synopsis}\nOPTIONS:\n${describeFlags(flags)}`;
}

/** What -h shows. */
export function fullUsage(): string {
  return `${purpose}\n${shortUsage()}\nOptions stand before the device; everything behind the device belongs to the command.\n`;
}
