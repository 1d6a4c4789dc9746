import { z } from "zod";
import { parseDuration } from "#pkg/golang/duration.ts";
import { tasmota } from "#pkg/modules/pdu/dialects/tasmota.ts";
import { parsePowerCommand } from "#pkg/modules/pdu/power-command.ts";
import type { PowerPoint } from "#pkg/modules/pdu/power-point.ts";
import { runPower, type Wording } from "#pkg/modules/pdu/run-power.ts";
import { turnsOf } from "#pkg/modules/pdu/units.ts";
import { defineModule } from "../module.ts";
import { durationOption } from "../options/duration-option.ts";

const options = z.strictObject({
  host: z
    .string({ error: ({ input }) => (input === undefined ? "wifisocket: host must be configured" : "must be text") })
    .min(1, "wifisocket: host must be configured")
    .check(({ value, issues }) => {
      if (value !== "" && URL.parse(addressOf(value)) === null) {
        issues.push({
          code: "custom",
          message: "must be an address such as 10.0.0.7 or http://10.0.0.7",
          input: value,
        });
      }
    })
    .describe("address of the socket; `http://` is put before it unless it has a scheme"),
  user: z.string().optional().describe("who may switch, `admin` as a rule"),
  password: z.string().optional().describe("the user's password").meta({ writeOnly: true }),
  channel: z.int().default(1).describe("which relay of the socket, from 1"),
  delay: durationOption().default("5s").describe("how long `cycle` leaves it off"),
  timeout: durationOption().default("10s").describe("how long the socket may take to answer"),
  confirm: durationOption().default("5s").describe("how long it may take to report what it was told"),
});

type Options = z.output<typeof options>;

/** Switches a socket with Tasmota, under the name and with the words that existing configurations have. */
export const wifisocket = defineModule({
  name: "wifisocket",
  summary: "switch a WiFi socket with Tasmota",
  config: options,
  help: ({ delay, ...socket }) =>
    [
      `on|off             switch channel ${channelOf(socket)} of ${new URL(addressOf(socket.host)).host}`,
      "toggle             switch it to the opposite of what it is",
      `cycle [duration]   switch it off and, ${delay} later unless a duration is given, on again`,
      "status             say whether it is on or off",
    ].join("\n"),
  resources: (socket) => [{ kind: "WiFi socket", name: `${unitOf(socket)} channel ${channelOf(socket)}` }],
  async open({ user = "", password = "", timeout, confirm, delay, ...socket }, { host }) {
    const channel = channelOf(socket);
    const unit = {
      http: host.http,
      title: "WiFi socket",
      base: addressOf(socket.host),
      timeoutMs: parseDuration(timeout),
      ...(user === "" || password === "" ? {} : { auth: { kind: "basic" as const, user, password } }),
    };
    const point: PowerPoint = {
      name: `WiFi socket channel ${channel}`,
      outlet: tasmota(unit, channel),
      turns: turnsOf(unitOf(socket), host),
      confirmMs: parseDuration(confirm),
    };
    const wording: Wording = {
      switched: (level) => `${point.name} set to '${level}'`,
      state: (level) => `${point.name} state: ${level}`,
    };
    return {
      run: async (call) => await runPower(parsePowerCommand(call.args), point, wording, parseDuration(delay), call),
      async [Symbol.asyncDispose]() {},
    };
  },
});

function addressOf(host: string): string {
  return (/^https?:\/\//i.test(host) ? host : `http://${host}`).replace(/\/+$/, "");
}

/** As the module `pdu` calls it: both may have entries for one socket. */
const unitOf = ({ host }: Pick<Options, "host">) => new URL(addressOf(host)).host;

/** Existing configurations may have 0 for the only one. */
const channelOf = ({ channel }: Pick<Options, "channel">) => Math.max(1, channel);
