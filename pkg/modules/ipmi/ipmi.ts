import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import { quote } from "#pkg/golang/quote.ts";
import { type Call, defineModule } from "../module.ts";
import { confirmPower, type PowerState, watchCycle } from "../power/confirm-power.ts";
import type { Watch } from "../power/read-until.ts";
import { findTool } from "../tool/find-tool.ts";
import { type Bmc, type Control, ipmitoolBmc } from "./bmc.ts";
import { type IpmiOptions, ipmiOptions } from "./options.ts";

const actions = ["on", "off", "soft", "cycle", "reset", "status"] as const;

const hint = `Available commands: ${actions.join(", ")}`;

/** Switches a server by its baseboard management controller. */
export const ipmi = defineModule({
  name: "ipmi",
  summary: "switch a server's power by its BMC (IPMI)",
  config: ipmiOptions,
  resources: ({ host, port }) => [{ kind: "BMC", name: `${host}:${port}` }],
  help: ({ host, port }) => `on      switch the power on
off     cut the power
soft    ask the system to shut down, and wait for it
cycle   cut the power and switch it on again
reset   reset the system; its power stays on
status  say whether the power is on

IPMI at BMC ${host}:${port}.
`,
  async open(options, { host: { processes } }) {
    const bmc = ipmitoolBmc(await findTool(processes, "ipmitool", "ipmitool"), processes, options);
    return {
      async run(call) {
        const action = parseAction(call.args);
        if (action === "status") {
          await showPower(bmc, call);
          return;
        }
        await doing(`power ${action} command failed`, () => bmc.control(action, call.signal), call);
        call.log.info("power command sent", { host: options.host, action });
        await call.session.print(`Power ${action.toUpperCase()} command sent\n`);
        await confirm(action, bmc, options, call);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

function parseAction([word, ...rest]: readonly string[]): (typeof actions)[number] {
  if (word === undefined) {
    throw new DutError("invalid_argument", "no command specified", { hint });
  }
  const action = actions.find((known) => known === word.toLowerCase());
  if (action === undefined) {
    throw new DutError("invalid_argument", `unknown command ${quote(word)}`, { hint });
  }
  if (rest.length > 0) {
    throw new DutError("invalid_argument", `${action} takes no arguments but got ${quote(rest.join(" "))}`);
  }
  return action;
}

/** Reads back what has become of a command, and says it. */
async function confirm(action: Control, bmc: Bmc, options: IpmiOptions, call: Call): Promise<void> {
  const watch: Watch<PowerState> = {
    read: () => bmc.power(call.signal),
    withinMs: parseDuration(action === "soft" ? options.grace : options.confirm),
    signal: call.signal,
  };
  switch (action) {
    case "on":
      await confirmPower("on", watch);
      break;
    case "off":
    case "soft":
      await confirmPower("off", watch);
      break;
    case "cycle":
      if (!(await watchCycle(watch))) {
        await call.session.print("The BMC did not show the power off in between\n");
      }
      break;
    case "reset":
      await confirmPower("on", watch);
      await call.session.print("A reset does not show in the power status\n");
      break;
  }
  await call.session.print(renderPower(action === "off" || action === "soft" ? "off" : "on"));
}

async function showPower(bmc: Bmc, call: Call): Promise<void> {
  const power = await doing("failed to get chassis status", () => bmc.power(call.signal), call);
  await call.session.print(renderPower(power));
}

function renderPower(power: "on" | "off"): string {
  return `Device power status: ${power === "on" ? "On" : "Off"}\n`;
}

/** Says in front of a failure what it was of. */
async function doing<T>(what: string, act: () => Promise<T>, { signal }: Call): Promise<T> {
  return await act().catch((error: unknown) => {
    signal.throwIfAborted();
    if (!(error instanceof DutError)) {
      throw error;
    }
    const message = `${what}: ${messageOf(error)}`;
    throw new DutError(
      error.code,
      message,
      error.hint === undefined ? { cause: error } : { hint: error.hint, cause: error },
    );
  });
}
