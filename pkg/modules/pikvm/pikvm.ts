import { parseOrigin, readTls } from "../https/options.ts";
import { type Call, defineModule } from "../module.ts";
import { pressKeys, typeText } from "./keyboard.ts";
import { type Kvm, pikvm as openKvm } from "./kvm.ts";
import { ejectImage, insertImage, removeImage, showMedia } from "./media.ts";
import { modes, type PikvmOptions, pikvmOptions } from "./options.ts";
import { type Action, parseAction, usages } from "./parse-action.ts";
import { click, showPower, switchPower } from "./power.ts";
import { takeScreenshot } from "./screenshot.ts";
import { fetchImage, uploadImage } from "./store.ts";

/** Power, keyboard, virtual media and screen of a device behind a PiKVM. */
export const pikvm = defineModule({
  name: "pikvm",
  summary: "switch a device, type at it, insert images and see its screen by a PiKVM",
  config: pikvmOptions,
  resources: ({ host }) => [{ kind: "PiKVM", name: parseOrigin(host) }],
  help: helpText,
  async open(options, { host: { http, files } }) {
    const tls = await readTls(options, files);
    return {
      async run(call) {
        const action = parseAction(call.args, options.mode);
        await perform(action, openKvm(http, tls, options, call.signal), options, call);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function perform(action: Action, kvm: Kvm, options: PikvmOptions, call: Call): Promise<void> {
  switch (action.kind) {
    case "power":
      call.log.info("switch a device", { host: options.host, command: action.command });
      return await switchPower(action.command, kvm, options, call);
    case "power status":
      return await showPower(kvm, call);
    case "click":
      return await click(action.button, kvm, call);
    case "type":
      return await typeText(action.text, kvm, options, call);
    case "keys":
      return await pressKeys(action.combinations, kvm, call);
    case "media status":
      return await showMedia(kvm, call);
    case "upload":
      return await uploadImage(action, kvm, options, call);
    case "fetch":
      return await fetchImage(action, kvm, options, call);
    case "insert":
      return await insertImage(action, kvm, options, call);
    case "eject":
      return await ejectImage(kvm, options, call);
    case "remove":
      return await removeImage(action.image, kvm, options, call);
    case "screenshot":
      return await takeScreenshot(action.file, kvm, options, call);
  }
}

function helpText({ host, mode }: PikvmOptions): string {
  const lines = (mode === undefined ? modes : [mode]).flatMap((of) =>
    usages[of].map(([words, meaning]) => [mode === undefined ? `${of} ${words}` : words, meaning] as const),
  );
  const width = Math.max(...lines.map(([words]) => words.length));
  return `${lines.map(([words, meaning]) => `${words.padEnd(width)}    ${meaning}\n`).join("")}
PiKVM at ${parseOrigin(host)}.
`;
}
