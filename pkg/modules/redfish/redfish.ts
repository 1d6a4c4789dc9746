import { parseOrigin, readTls } from "../https/options.ts";
import { type Call, defineModule } from "../module.ts";
import { overrideBoot } from "./boot.ts";
import { renderInfo } from "./info.ts";
import { logIn } from "./log-in.ts";
import { type RedfishOptions, redfishOptions } from "./options.ts";
import { type Action, parseAction } from "./parse-action.ts";
import { showPower, switchPower } from "./power.ts";
import type { Service } from "./service.ts";
import { findSystem } from "./system.ts";
import { ejectMedia, insertMedia } from "./virtual-media.ts";

/** Power, boot source and virtual media of a server, by the Redfish service of its BMC. */
export const redfish = defineModule({
  name: "redfish",
  summary: "switch a server, choose what it boots and insert images by its BMC (Redfish)",
  config: redfishOptions,
  resources: ({ host, system = "" }) => [{ kind: "BMC", name: `${parseOrigin(host)} ${system}`.trim() }],
  help: ({ host }) => `on                          switch the power on
off                         cut the power
soft                        ask the system to shut down, and wait for it
cycle                       cut the power and switch it on again
reset                       reset the system
nmi                         send a non-maskable interrupt
status                      say whether the power is on
info                        say what the service knows of the system
boot <source> [-persistent] boot from pxe, disk, cd, usb or bios once, or from now on; none takes it back
insert <url>                have the service fetch an image and insert it
eject                       take the image out

Redfish at ${parseOrigin(host)}.
`,
  async open(options, { host: { http, files } }) {
    const tls = await readTls(options, files);
    return {
      async run(call) {
        const action = parseAction(call.args);
        await using service = await logIn(http, tls, options, call);
        await perform(action, service, await findSystem(service, options), options, call);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function perform(action: Action, service: Service, system: string, options: RedfishOptions, call: Call) {
  switch (action.kind) {
    case "power":
      call.log.info("switch a system", { host: options.host, system, action: action.action });
      return await switchPower(action.action, service, system, options, call);
    case "status":
      return await showPower(service, system, call.session);
    case "info":
      return await call.session.print(await renderInfo(service, system));
    case "boot":
      return await overrideBoot(action.source, action.persistent, service, system, options, call);
    case "insert":
      return await insertMedia(action.image, service, system, options, call);
    case "eject":
      return await ejectMedia(service, system, options, call);
  }
}
