import { z } from "zod";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { type Call, defineModule } from "../module.ts";
import { durationOption } from "../options/duration-option.ts";
import { cycle } from "../usb-hub/cycle.ts";
import { type Hub, openHub, portResource } from "../usb-hub/hub.ts";
import { hubLocationOption } from "../usb-hub/location-option.ts";
import { parseVerb } from "../verb.ts";

const config = z.strictObject({
  location: hubLocationOption(),
  ports: z
    .string()
    .regex(/^[1-9]\d?(?:,[1-9]\d?)*$/, { error: "expected the number of a port, or several such as 2,3" })
    .describe("number of the port on its hub; several are switched together, such as 2,3"),
  delay: durationOption().default("2s").describe("how long cycle leaves the port without power"),
});

type Options = z.output<typeof config>;

const portsOf = ({ ports }: Options) => Array.from(new Set(ports.split(",").map(Number)));

/** Switches the power of ports of a USB hub. */
export const usbPort = defineModule({
  name: "usb-port",
  summary: "switch the power of a USB port",
  config,
  resources: (options) => portsOf(options).map((port) => portResource(options.location, port)),
  help: ({ location, ports, delay }) => `on        give the port power
off       take its power away
cycle     take its power away for ${formatDuration(parseDuration(delay))}, and give it back
status    say whether it has power

Port ${ports} of the USB hub at ${location}, through uhubctl.
`,
  async open(options, { host }) {
    const hub = await openHub(options.location, portsOf(options), host.processes);
    return {
      run: (call) => run(call, hub, options),
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function run(call: Call, hub: Hub, { delay }: Options): Promise<void> {
  const { session, signal } = call;
  const verb = parseVerb(call.args, ["on", "off", "cycle", "status"]);
  switch (verb) {
    case "on":
    case "off":
      await hub.switch(verb, signal);
      await session.print(`USB port ${hub.name} is ${verb}\n`);
      return;
    case "cycle":
      await cycle(hub, parseDuration(delay), call);
      return;
    case "status":
      for (const [port, power] of await hub.look(signal)) {
        await session.print(`USB port ${port} of hub ${hub.location} is ${power}\n`);
      }
      return;
  }
}
