import type { LineSettings } from "../serial-ports.ts";

/** Such as `115200 baud`, or `9600 baud 7E1 xonxoff` when it is not 8N1 without flow control. */
export function renderSettings({
  baud,
  dataBits = 8,
  parity = "none",
  stopBits = 1,
  flow = "none",
}: LineSettings): string {
  const frame = `${dataBits}${parity.charAt(0).toUpperCase()}${stopBits}`;
  return [`${baud} baud`, ...(frame === "8N1" ? [] : [frame]), ...(flow === "none" ? [] : [flow])].join(" ");
}
