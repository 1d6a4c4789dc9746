import { basename } from "node:path";
import { type Machine, type SerialPortFound, toolModules } from "./look-around.ts";

const head = `# What this computer offers with dutctl. Every device is a board; every command of it is a list of modules.
#
#   dutagent modules                        which modules there are, with their options
#   dutagent -check-config -c this-file     whether the file is right, and if not, where it is not
#   dutagent -c this-file                   serve it; then, elsewhere: dutctl list
#   dutagent schema > dutagent.schema.json  for an editor that completes and checks: see the next line
# yaml-language-server: $schema=dutagent.schema.json

version: 1.0.0-alpha.1

devices:
  computer:
    desc: The computer that dutagent runs on
    # For finding devices. Any names and short texts.
    # labels: { rack: left, shelf: "3" }
    cmds:
      status:
        desc: What system this is
        uses:
          - module: agent-status

      # Whoever may run this runs any program as the user of dutagent: dutctl computer shell 'uptime'
      # shell:
      #   desc: Run a shell command
      #   uses:
      #     - module: shell
      #       passthrough: true

      # A command with an argument, which is quoted for the shell: dutctl computer ping example.org
      # ping:
      #   desc: See whether a host answers
      #   args:
      #     - name: host
      #       desc: Its name or address
      #   uses:
      #     - module: shell
      #       args: ["ping -c 1 -- \${host}"]
`;

/** A first configuration for a computer, with comments: everything in it works as it is, what needs a decision is a comment. */
export function firstConfig(machine: Machine, kinds: ReadonlySet<string>): string {
  return [
    head,
    ...machine.serialPorts.map(board),
    machine.serialPorts.length === 0 ? noBoard : "",
    machine.gpioChips.length === 0 || !kinds.has("gpio-switch") ? "" : gpio(machine.gpioChips),
    tools(machine.tools, kinds),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function board({ path, usable }: SerialPortFound, index: number): string {
  const problem = usable
    ? ""
    : "        # The user who wrote this may not open the port. The user of dutagent needs to be in its group, often dialout.\n";
  return `  board${index + 1}:
    desc: ${scalar(`The board on ${basename(path)}`)}
    cmds:
      # dutctl board${index + 1} console, or with steps: dutctl board${index + 1} console expect 'login:' send root
      console:
        desc: Watch the serial console, or run steps on it
${problem}        uses:
          - module: serial
            passthrough: true
            with:
              port: ${scalar(path)}
              baud: 115200
`;
}

const noBoard = `  # No serial port was found. With one, a board looks like this:
  # board1:
  #   desc: The board on the left
  #   cmds:
  #     console:
  #       desc: Watch the serial console, or run steps on it
  #       uses:
  #         - module: serial
  #           passthrough: true
  #           with:
  #             port: /dev/serial/by-id/usb-...
`;

function gpio(chips: readonly string[]): string {
  return `  # GPIO: ${chips.join(", ")}. A relay on a line, as a command of its board:
  #     power:
  #       desc: Switch the power
  #       uses:
  #         - module: gpio-switch
  #           passthrough: true
  #           with:
  #             pin: 17
`;
}

function tools(found: readonly string[], kinds: ReadonlySet<string>): string {
  const lines = found.flatMap((tool) => {
    const module = toolModules.get(tool) as string;
    return kinds.has(module) ? [`  #   ${tool.padEnd(10)} dutagent modules ${module}\n`] : [];
  });
  return lines.length === 0
    ? ""
    : `  # Programs on this computer that modules drive, and where their options are listed:\n${lines.join("")}`;
}

/** Text that is one scalar of YAML, in quotes where it has to be. */
function scalar(text: string): string {
  return /^[\w/][\w./:@+ -]*$/.test(text) && !/: | $/.test(text) ? text : JSON.stringify(text);
}
