import { z } from "zod";
import { formatDuration, parseDuration } from "#pkg/golang/duration.ts";
import { putBack } from "../hardware/put-back.ts";
import { type Call, defineModule } from "../module.ts";
import { durationOption } from "../options/duration-option.ts";
import { pause } from "../pause.ts";
import { parseVerb } from "../verb.ts";
import { openRelay, type Relay, type State } from "./relay.ts";

const config = z.strictObject({
  relay: z
    .string()
    .regex(/^[A-Za-z0-9]{1,32}_[1-8]$/, { error: "expected the name of a relay as usbrelay shows it, such as BITFT_1" })
    .describe("name of the relay as usbrelay shows it, such as BITFT_1"),
  pulse: durationOption().default("500ms").describe("how long pulse switches the relay on"),
});

type Options = z.output<typeof config>;

/** Switches a relay of a board on USB (the HID ones). */
export const usbRelay = defineModule({
  name: "usb-relay",
  summary: "switch a relay on USB",
  config,
  resources: ({ relay }) => [{ kind: "USB relay", name: relay }],
  help: ({ relay, pulse }) => `on        switch the relay on
off       switch it off
toggle    change it
pulse     switch it on for ${formatDuration(parseDuration(pulse))}, and off
status    say whether it is on

USB relay ${relay}, through usbrelay.
`,
  async open(options, { host }) {
    const relay = await openRelay(options.relay, host.processes);
    return {
      run: (call) => run(call, relay, options),
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function run(call: Call, relay: Relay, { pulse }: Options): Promise<void> {
  const { session, signal } = call;
  const report = async (state: State) => await session.print(`USB relay ${relay.name} is ${state}\n`);
  const verb = parseVerb(call.args, ["on", "off", "toggle", "pulse", "status"]);
  switch (verb) {
    case "on":
    case "off":
      await relay.switch(verb, signal);
      await report(verb);
      return;
    case "toggle": {
      const state = (await relay.look(signal)) === "on" ? "off" : "on";
      await relay.switch(state, signal);
      await report(state);
      return;
    }
    case "pulse":
      await switchOnFor(parseDuration(pulse), relay, call);
      await session.print(`USB relay ${relay.name} was on for ${formatDuration(parseDuration(pulse))}\n`);
      return;
    case "status":
      await report(await relay.look(signal));
      return;
  }
}

/** The relay is off at the end, also when the run ends before. */
async function switchOnFor(milliseconds: number, relay: Relay, call: Call): Promise<void> {
  const { signal } = call;
  // A relay that is not there has not been switched on by this run.
  await relay.look(signal);
  try {
    await relay.switch("on", signal);
    await pause(milliseconds, signal);
  } finally {
    await putBack(call, `USB relay ${relay.name} may still be on`, () =>
      relay.switch("off", new AbortController().signal),
    );
  }
}
