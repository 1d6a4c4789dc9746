import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AgentDaemon, type Devices, Lab } from "#test/support/lab.ts";
import type { RollCall } from "#test/support/roll-call.ts";
import { rounds } from "#test/support/rounds.ts";
import { ToolFolder } from "#test/support/tool-folder.ts";

interface ToolUse {
  readonly module: string;
  readonly with?: object;
  /** What the user says. */
  readonly args: readonly string[];
}

const snmp = { preset: "apc-rpdu2", community: "lab" };

/** A use of every module that starts a tool, by the name of the tool that its run starts first. */
const toolUses = {
  dpcmd: { module: "flash", with: { tool: "dpcmd" }, args: ["read", "chip"] },
  em100: { module: "flash-emulate", with: { chip: "N25Q256A13" }, args: ["status"] },
  flashrom: { module: "flash", with: { tool: "flashrom", programmer: "dummy" }, args: ["read", "chip"] },
  gpioinfo: { module: "gpio-switch", with: { pin: 17 }, args: ["status"] },
  ipmitool: { module: "ipmi", with: { host: "127.0.0.1" }, args: ["status"] },
  snmpget: { module: "pdu", with: { vendor: "snmp", host: "snmp://127.0.0.1", outlet: 1, snmp }, args: ["status"] },
  tar: { module: "file", with: { operation: "download", root: ".", directory: true }, args: ["logs:logs.tar"] },
  uhubctl: { module: "usb-port", with: { location: "1-1", ports: 2 }, args: ["status"] },
  uname: { module: "agent-status", args: [] },
  usbrelay: { module: "usb-relay", with: { relay: "BITFT_1" }, args: ["status"] },
  usbsdmux: { module: "sd-mux", with: { device: "/dev/usb-sd-mux/id-00048.00643" }, args: ["status"] },
  xz: { module: "image", with: { disk: "disk" }, args: ["write", "image.xz"] },
} satisfies Record<string, ToolUse>;

export type ToolName = keyof typeof toolUses;

export const toolNames = Object.keys(toolUses) as readonly ToolName[];

/** The words of a client that uses a tool. */
export const useOf = (tool: ToolName): readonly string[] => [tool, "use", ...toolUses[tool].args];

/** A device for each tool, named like it, with the command `use`. */
const toolDevices: Devices = Object.fromEntries(
  Object.entries(toolUses).map(([tool, { args: _, ...use }]) => [
    tool,
    { cmds: { use: { uses: [{ ...use, passthrough: true }] } } },
  ]),
);

/** What only begins like an image that xz made. */
const xzMagic = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);

/** More than an agent has memory for when it is kept; in the soak a gigabyte. */
export const floodMebibytes = rounds(256, 1024);
const floodBytes = floodMebibytes * 1024 * 1024;

/** How the tools of a bench are from now on: each hangs and hears no signal that can be ignored, or prints much and ends well. */
type Mood = "well" | "deaf" | "flooding";

/** An agent that finds no tools but those of a test, which go wrong all at once. */
export class ToolBench implements AsyncDisposable {
  readonly agent: AgentDaemon;
  readonly lab: Lab;
  readonly #tools: ToolFolder;
  readonly #opened: AsyncDisposableStack;

  private constructor(lab: Lab, agent: AgentDaemon, tools: ToolFolder, opened: AsyncDisposableStack) {
    this.lab = lab;
    this.agent = agent;
    this.#tools = tools;
    this.#opened = opened;
  }

  static async open(roll: RollCall, signal: AbortSignal): Promise<ToolBench> {
    await using opened = new AsyncDisposableStack();
    const lab = opened.use(await Lab.open(signal));
    // The agent asks these when it starts.
    const gpiod = ["gpiodetect", "gpioinfo", "gpioset"].map((tool) => [tool, ["gpiod.ts", "2.1.3", tool] as const]);
    const tools = opened.use(await ToolFolder.open(Object.fromEntries(gpiod)));
    await Promise.all(["snmpset", ...toolNames].map((tool) => addMoods(tools, tool, roll)));
    await tools.write("mood", "well\n");
    const agent = await agentWithTools(lab, tools.bin);
    // The line of its gpioset is let go when it is told to end, and not when it is killed.
    opened.defer(async () => void (await agent.stop()));
    return new ToolBench(lab, agent, tools, opened.move());
  }

  async become(mood: Mood): Promise<void> {
    await this.#tools.write("mood", `${mood}\n`);
  }

  /** A client that uses a tool; what the device says goes to nobody. */
  use(tool: ToolName) {
    const words = [...this.lab.wordsOf("dutctl"), "-s", this.agent.address, ...useOf(tool)];
    return this.lab.startWords(["sh", "-c", 'exec "$@" >/dev/null </dev/null', "sh", ...words]);
  }

  /** What the agent has in its temporary folder. */
  leftBehind(): Promise<readonly string[]> {
    return readdir(temporaryFolder(this.lab));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

const temporaryFolder = (lab: Lab) => lab.path("temporary");

/**
 * An agent with a device for each tool, that has the programs of a folder and what makes pipes, and no others; and a
 * temporary folder of its own. What its clients send and are sent is in the lab.
 */
export async function agentWithTools(lab: Lab, bin: string): Promise<AgentDaemon> {
  await writeFile(lab.path("image.xz"), xzMagic);
  await mkdir(lab.path("logs"));
  await symlink("/usr/bin/mkfifo", join(bin, "mkfifo"));
  await mkdir(temporaryFolder(lab));
  return await lab.startedBy("env", `PATH=${bin}`, `TMPDIR=${temporaryFolder(lab)}`).agent(toolDevices);
}

async function addMoods({ path, bin }: ToolFolder, tool: string, roll: RollCall): Promise<void> {
  const file = join(bin, tool);
  const well = await readFile(file, "utf8").catch(() => "exit 1\n");
  // Of tar and xz the output is what they are for, and as long as it may be.
  const into = tool === "tar" || tool === "xz" ? ">&2" : "";
  const script = `#!/bin/sh
read -r mood <'${path}/mood'
case "$mood" in
deaf) exec ${roll.attend(tool, "deaf")} ;;
flooding) exec /usr/bin/head -c ${floodBytes} /dev/zero ${into} ;;
esac
${well}`;
  await writeFile(file, script, { mode: 0o755 });
}
