import type { firstWords } from "../grammar.ts";

/** The words that stand in the place of a device, in a line each. */
export const wordSummaries = {
  list: "list the devices and who has them",
  describe: "show a device with its commands and arguments",
  watch: "show devices and every change",
  runs: "list what runs and what has run lately",
  attach: "take a run over whose client was lost",
  config: "keep addresses and preferences under names",
  completion: "print the script that completes command lines",
  help: "explain something",
  version: "show the version",
} as const satisfies Record<keyof typeof firstWords, string>;

/** What each word does, in full. */
export const wordTexts = {
  list: `dutctl [options] [list]
dutctl [options] -l

Lists the devices and who has them: [locked by …] is a reservation, [in use by …] a command that
runs at this moment. -l shows a table with state, labels and description of each. Without any word
dutctl does the same.
`,
  describe: `dutctl [options] describe <device>

Shows what a device is, who has it, and its commands with their arguments. A command that cannot be
run is listed with the reason. An agent of the old protocol tells the names of the commands only.
`,
  watch: `dutctl [options] watch [device]

Shows the devices, or one of them, and then every change, until Ctrl-C. On a terminal the table is
drawn anew; in pipes and in the other formats every change is a line or an object. A lost connection
is made again. An agent of the old protocol is asked every second.
`,
  runs: `dutctl [options] runs [device]

Lists the runs that go on and those that have ended lately, with their ids for attach.
`,
  attach: `dutctl [options] attach <device> [run]

Takes over a run whose client was lost, or sits at another desk: shows the output that is kept (the
last 1 MiB) and goes on as if you had started it. Without an id it is the run that goes on there. A
run outlives the loss of its client only when it was started with -grace.
`,
  config: `dutctl config [list]                          list the contexts; the current one is marked
dutctl config show [context]                  show one, or the current one
dutctl config use <context>                   make it the current one
dutctl config set [context] key=value...      set values; an empty value takes the key away
dutctl config remove <context>                remove one

A context is a name for an address and preferences. dutctl help config-file shows the file and its
keys. The first context that is set becomes the current one.
`,
  completion: `dutctl completion bash|zsh|fish

Prints the script that completes devices, commands and arguments from the live server. It stays
silent when the server cannot be reached. To load it now, and for every new shell:

  bash   source <(dutctl completion bash)
         dutctl completion bash > ~/.local/share/bash-completion/completions/dutctl
  zsh    source <(dutctl completion zsh)
         dutctl completion zsh > a file _dutctl in a directory of $fpath
  fish   dutctl completion fish | source
         dutctl completion fish > ~/.config/fish/completions/dutctl.fish

A key press waits for the server for 100 ms at most; DUTCTL_COMPLETION_TIMEOUT=300ms gives a far one
more.
`,
  help: `dutctl help [topic]

Explains a topic or a word. dutctl <device> <command> help explains a command of a device.
`,
  version: `dutctl version

Shows the version of this program. Nobody is asked for it.
`,
} as const satisfies Record<keyof typeof wordSummaries, string>;
