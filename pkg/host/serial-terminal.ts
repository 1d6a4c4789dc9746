import { DutError } from "#pkg/errors/dut-error.ts";
import { renderSettings } from "./serial/render-settings.ts";
import { runSmallTool } from "./serial/small-tool.ts";
import type { LineSettings } from "./serial-ports.ts";

/** Raw bytes in both directions; `clocal` so that no open waits for a modem's carrier. */
const rawMode = "raw -echo -echoe -echok -echoctl -echoke -iexten clocal cread".split(" ");

const parities = { none: ["-parenb"], even: ["parenb", "-parodd"], odd: ["parenb", "parodd"] } as const;

const flows = {
  none: ["-crtscts", "-ixon", "-ixoff"],
  rtscts: ["crtscts", "-ixon", "-ixoff"],
  xonxoff: ["-crtscts", "ixon", "ixoff", "-ixany"],
} as const;

/**
 * Sets speed and line mode of a terminal by stty(1). They last while somebody holds the terminal open.
 * Throws invalid_argument when the terminal or stty does not take them, unavailable when it does not answer.
 */
export async function configureTerminal(path: string, settings: LineSettings): Promise<void> {
  const { baud, dataBits = 8, parity = "none", stopBits = 1, flow = "none" } = settings;
  const line = [`cs${dataBits}`, ...parities[parity], stopBits === 2 ? "cstopb" : "-cstopb", ...flows[flow]];
  const { code, complaint } = await runSmallTool("stty", ["-F", path, String(baud), ...rawMode, ...line], []);
  if (code === 0) {
    return;
  }
  if (complaint.includes("invalid argument") || complaint.includes("requested operations")) {
    throw new DutError("invalid_argument", `${path} cannot run at ${renderSettings(settings)}`, {
      hint: "use a standard speed such as 9600, 19200, 38400, 57600, 115200, 230400, 460800 or 921600, and what the adapter can do",
      cause: new Error(complaint),
    });
  }
  throw new DutError("unavailable", `${path} does not answer: ${complaint || "stty did not end in 5 s"}`, {
    hint: "check that the port really has hardware behind it",
  });
}
