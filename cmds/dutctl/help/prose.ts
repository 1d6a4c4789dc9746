import { escapeHelp } from "../terminal/escape-keys.ts";

export const options = `Options have one dash or two, take their value behind a blank or =, and stand before the device.
-wait takes the next word as its value only when that is a duration: for a device that is called
like one, write dutctl -wait -- 5m. Durations are written as 90s, 5m or 1h30m.
`;

export const formats = `-f chooses how results are written. Results go to stdout, errors and notices to stderr.

  text     for people; what a module prints passes unchanged
  json     an indented object for each result, as the existing client writes it
  jsonl    one object a line on stdout, of the same keys for every verb; for programs
  yaml     a document for each result
  oneline  timestamp,type,INFO or ERROR,data; for grep and cut. csv is another name for it

-v adds metadata: the address, the device, the command.
`;

export const files = `A command may ask for files and may send files. The agent is not trusted with yours:

  It reads what an argument on the command line names (whole, or as a half of a:b), and the files
  and folders that -allow-read names; nothing else, and only regular files.
  It writes what an argument names, and otherwise a new file with a plain name in the working
  directory. -force lets that replace an existing one. A symbolic link is never written through.

Anything else ends the run with a sentence and exit code 126. A file is replaced whole or not at all.
`;

export const console = `When stdin and stdout are a terminal and the command wants one, every key goes to the device, Ctrl-C
too. With another format than text, or with stdout in a pipe, lines are sent instead.

${escapeHelp.map((line) => `  ${line}`).join("\n")}

Piped input arrives whole and then ends. Outside a console the first Ctrl-C cancels the command and
waits for its end, the second one leaves at once. What a device says cannot steer your terminal
beyond colours and cursor; -raw lets everything through.
`;

export const waiting = `A device that somebody else has is refused with exit code 123. With -wait dutctl waits until it is
free, tells who has it and until when, and then goes on; -wait 10m waits at most that long. It works
for commands and for lock. An agent that goes away meanwhile is looked for again. -timeout 1h ends
everything after that time with exit code 124: a command that runs is cancelled then, and its end is
waited for, 45 seconds at most.

A run ends when the connection to its client is lost, unless -grace 5m lets it go on for so long.
dutctl attaches to it again by itself; from elsewhere, dutctl attach does.
`;

export const protocol = `dutctl prefers its own protocol (dutlab.v1) and falls back to the one of the existing programs
(dutctl.v1) where a peer does not know it. -protocol lab or -protocol v1 uses only that one. By the
old one there are no consoles, no remote exit status, no end of input, no -grace, attach and runs, no
descriptions and labels, files of at most 127 MiB, and unlock force cannot keep a run.
`;

export const tls = `-tls-ca FILE speaks TLS to a server or an agent whose certificate is of the authority in FILE, -tls to one
whose certificate this computer trusts. -tls-cert and -tls-key show who you are: you are called by the
name in the certificate then, and -u cannot change it.

  dutctl config set lab server=lab.example:1024 tls-ca=ca.pem tls-cert=user-alice.pem tls-key=user-alice.key

remembers all of it, with the fingerprint of the authority: compare it with the one that the lab tells.
From then on the context is spoken to in TLS only, whatever -s and DUTCTL_SERVER say; only a unix socket
is not. When the file has another authority one day, or the server shows a certificate of another one,
nothing is sent: the error names both fingerprints, and tls-ca= with the new file is set when it is
right. To leave TLS: dutctl config set lab tls-ca= tls= tls-cert= tls-key=
`;

export const run = `dutctl [options] <device> <command> [args...]

Runs a command of a device: its output comes out, your input goes in, files that you named are
exchanged. dutctl <device> lists the commands, dutctl <device> <command> help explains one. The exit
code is that of the remote program where there is one: dutctl help exit-codes.
`;

export const lock = `dutctl [options] <device> lock [duration]

Reserves a device for you, for 30 minutes when no duration is given, at least a second. Locking it
again prolongs the reservation; it is never shortened: unlock it for that.
`;

export const unlock = `dutctl [options] <device> unlock                your own reservation
dutctl [options] <device> unlock force          anybody's; cancels what runs there
dutctl [options] <device> unlock force keep     anybody's; what runs there goes on

Whoever had the device is told, and you are told who it was.
`;

export const configFile = `$XDG_CONFIG_HOME/dutctl/config.yaml, else ~/.config/dutctl/config.yaml:

  current: lab
  contexts:
    lab:
      server: lab.example:1024
      user: alice@desk
    bench:
      server: unix:/run/dutagent.sock
      format: json

dutctl config set lab server=lab.example:1024 writes it; comments stay. -context or DUTCTL_CONTEXT
names another context than the current one for one call.
`;
