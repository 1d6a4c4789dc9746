/**
 * uhubctl 2.5 with one USB 3 hub at 1-1 and 2-1, which has 4 ports, in a folder: `port-<n>` is there while a port has no
 * power, and `log` has what was switched. A port that is named in `stuck` says that it is switched and is not. Usage:
 * `node uhubctl.ts <folder> [arguments]`.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const [folder = "", ...words] = process.argv.slice(2);
const { values } = parseArgs({
  args: words,
  options: { location: { type: "string" }, ports: { type: "string" }, action: { type: "string" } },
});

if (values.location !== "1-1" || existsSync(join(folder, "unplugged"))) {
  process.stderr.write(
    `No compatible devices detected at location ${values.location}!\nRun with -h to get usage info.\n`,
  );
  process.exit(1);
}

const ports = (values.ports ?? "1,2,3,4").split(",").map(Number);
const stuck = existsSync(join(folder, "stuck")) ? readFileSync(join(folder, "stuck"), "utf8").trim() : "";
const off = (port: number) => join(folder, `port-${port}`);

function status(title: string): void {
  for (const [hub, on, none] of [
    ["2-1 [2109:0813 VIA Labs, Inc. USB3.0 Hub, USB 3.00, 4 ports, ppps]", "02a0 power 5gbps Rx.Detect", "0080 off"],
    [
      "1-1 [2109:2813 VIA Labs, Inc. USB2.0 Hub, USB 2.10, 4 ports, ppps]",
      "0503 power highspeed enable connect [0483:3748 ST power]",
      "0000 off",
    ],
  ]) {
    process.stdout.write(`${title} status for hub ${hub}\n`);
    for (const port of ports.filter((port) => port <= 4)) {
      process.stdout.write(`  Port ${port}: ${existsSync(off(port)) ? none : on}\n`);
    }
  }
}

status("Current");
if (values.action === "on" || values.action === "off") {
  for (const port of ports) {
    appendFileSync(join(folder, "log"), `${port} ${values.action}\n`);
    if (String(port) === stuck) {
      continue;
    }
    if (values.action === "on") {
      rmSync(off(port), { force: true });
    } else {
      writeFileSync(off(port), "");
    }
  }
  process.stdout.write(`Sent power ${values.action} request\n`);
  status("New");
}
