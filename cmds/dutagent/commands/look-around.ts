import { access, constants, glob, realpath } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** What a computer has that modules can drive. */
export interface Machine {
  /** By names that stay when adapters are plugged in another order, where there are such. */
  readonly serialPorts: readonly SerialPortFound[];
  readonly gpioChips: readonly string[];
  /** Programs on PATH that modules start. */
  readonly tools: readonly string[];
}

export interface SerialPortFound {
  readonly path: string;
  /** Whether this user may open it. */
  readonly usable: boolean;
}

/** Programs that modules start, and the kind of module that starts each. */
export const toolModules: ReadonlyMap<string, string> = new Map([
  ["flashrom", "flash"],
  ["flashprog", "flash"],
  ["dpcmd", "flash"],
  ["em100", "flash-emulate"],
  ["ipmitool", "ipmi"],
  ["linux.uml", "uml"],
]);

/** Finds serial ports and GPIO chips below `root`, which is `/` but for tests, and tools on `path`. Opens nothing. */
export async function lookAround(root: string, path: string): Promise<Machine> {
  const byId = await found(root, "dev/serial/by-id/*");
  const targets = new Set(await Promise.all(byId.map((port) => realpath(join(root, port)))));
  const plain = await found(root, "dev/tty{USB,ACM,AMA}*");
  const ports = [...byId, ...plain.filter((port) => !targets.has(join(root, port)))];
  const tools = await Promise.all(
    Array.from(toolModules.keys(), async (tool) => ((await isOnPath(tool, path)) ? [tool] : [])),
  );
  return {
    serialPorts: await Promise.all(
      ports.map(async (port) => ({
        path: `/${port}`,
        usable: await may(join(root, port), constants.R_OK | constants.W_OK),
      })),
    ),
    gpioChips: (await found(root, "dev/gpiochip*")).map((chip) => `/${chip}`),
    tools: tools.flat(),
  };
}

async function found(root: string, pattern: string): Promise<readonly string[]> {
  return (await Array.fromAsync(glob(pattern, { cwd: root }))).sort();
}

async function isOnPath(tool: string, path: string): Promise<boolean> {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return (await Promise.all(folders.map((folder) => may(join(folder, tool), constants.X_OK)))).includes(true);
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
