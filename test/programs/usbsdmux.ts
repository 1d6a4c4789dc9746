/**
 * usbsdmux 0.2 with one mux in a folder, whose mode is in the file `mode`. With a file `stuck` the mode does not change.
 * Usage: `node usbsdmux.ts <folder> <device> <mode>`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder = "", device, word = "", ...others] = process.argv.slice(2);

if (others.length > 0 || !["get", "dut", "client", "host", "off"].includes(word)) {
  process.stderr.write("usage: usbsdmux [-h] SG {get,dut,client,host,off}\n");
  process.exit(2);
}
if (device !== "/dev/usb-sd-mux/id-00048.00643") {
  process.stderr.write(`[Errno 2] No such file or directory: '${device}'\n`);
  process.exit(1);
}
const mode = join(folder, "mode");
if (word === "get") {
  process.stdout.write(`${existsSync(mode) ? readFileSync(mode, "utf8") : "off"}\n`);
} else if (!existsSync(join(folder, "stuck"))) {
  writeFileSync(mode, word === "client" ? "dut" : word);
}
