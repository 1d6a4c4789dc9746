import { parseDuration } from "#pkg/golang/duration.ts";
import { defineModule } from "../module.ts";
import { openOutlet, unitOf } from "./open-outlet.ts";
import { type PduOptions, pduOptions } from "./options.ts";
import { parsePowerCommand } from "./power-command.ts";
import type { PowerPoint } from "./power-point.ts";
import { runPower, type Wording } from "./run-power.ts";
import { turnsOf } from "./units.ts";

/** Switches one outlet of a power distribution unit in the network. */
export const pdu = defineModule({
  name: "pdu",
  summary: "switch an outlet of a power strip in the network",
  config: pduOptions,
  help: renderHelp,
  resources: (options) => [{ kind: "PDU outlet", name: `${unitOf(options)} outlet ${options.outlet}` }],
  async open(options, { host }) {
    const { outlet, confirm, delay } = options;
    const point: PowerPoint = {
      name: `PDU outlet ${outlet}`,
      outlet: await openOutlet(options, host),
      turns: turnsOf(unitOf(options), host),
      confirmMs: parseDuration(confirm),
    };
    const wording: Wording = {
      switched: (level) => `${point.name} powered ${level}`,
      state: (level) => `${point.name} state: ${level}`,
    };
    return {
      run: async (call) => await runPower(parsePowerCommand(call.args), point, wording, parseDuration(delay), call),
      async [Symbol.asyncDispose]() {},
    };
  },
});

function renderHelp({ vendor, host, outlet, delay }: PduOptions): string {
  const { protocol, host: place } = new URL(host);
  return [
    `on|off             switch outlet ${outlet} of ${protocol}//${place}`,
    "toggle             switch it to the opposite of what it is",
    `cycle [duration]   switch it off and, ${delay} later unless a duration is given, on again`,
    "status             say whether it is on or off",
    "",
    `Vendor: ${vendor || "intellinet (default)"}`,
  ].join("\n");
}
