import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { parseCombination } from "./keys.ts";
import { type Mode, modes } from "./options.ts";

const powerCommands = ["on", "off", "force-off", "reset"] as const;

export type PowerCommand = (typeof powerCommands)[number];

/** The buttons of a case, and what the API calls them. */
const buttons = { power: "power", "power-long": "power_long", reset: "reset" } as const;

export type Button = (typeof buttons)[keyof typeof buttons];

export type Action =
  | { readonly kind: "power"; readonly command: PowerCommand }
  | { readonly kind: "power status" }
  | { readonly kind: "click"; readonly button: Button }
  | { readonly kind: "type"; readonly text: string }
  | { readonly kind: "keys"; readonly combinations: readonly (readonly string[])[] }
  | { readonly kind: "media status" | "eject" }
  | { readonly kind: "upload"; readonly file: string; readonly image: string }
  | { readonly kind: "fetch"; readonly url: string; readonly image: string | undefined }
  | { readonly kind: "insert"; readonly image: string; readonly cdrom: boolean; readonly rw: boolean }
  | { readonly kind: "remove"; readonly image: string }
  | { readonly kind: "screenshot"; readonly file: string };

/** What each mode takes, for help and hints. */
export const usages: Readonly<Record<Mode, readonly (readonly [words: string, meaning: string])[]>> = {
  power: [
    ["on", "switch the device on"],
    ["off", "ask the device to shut down, by its power button, and wait for it"],
    ["force-off", "hold the power button until the power is off"],
    ["reset", "press the reset button"],
    ["status", "say whether the power is on"],
    ["click power|power-long|reset", "press a button"],
  ],
  keyboard: [
    ["type <text>", "type a text"],
    ["key <combination>…", "press keys, such as ctrl+alt+del or f12"],
  ],
  media: [
    ["status", "say what is inserted and stored"],
    ["upload <file> [<image>]", "store a file of yours on the PiKVM"],
    ["fetch <url> [<image>]", "have the PiKVM fetch a file and store it"],
    ["insert <image> [-usb] [-rw]", "show a stored image to the device as a CD-ROM, or as a USB stick"],
    ["eject", "take it out"],
    ["remove <image>", "remove a stored image"],
  ],
  screenshot: [["[<file>]", "give you what the device shows, as JPEG"]],
};

/** The mode is the first word unless the options have one. Throws invalid_argument with what is available. */
export function parseAction(args: readonly string[], configured: Mode | undefined): Action {
  const [word, ...others] = args;
  const mode = configured ?? modes.find((known) => known === word?.toLowerCase());
  if (mode === undefined) {
    const what = word === undefined ? "no mode specified" : `unknown mode ${quote(word)}`;
    throw new DutError("invalid_argument", what, { hint: `Available modes: ${modes.join(", ")}` });
  }
  const words = configured === undefined ? others : args;
  const action =
    mode === "screenshot" ? parseScreenshot(words) : parsers[mode](words[0]?.toLowerCase(), words.slice(1));
  if (action === undefined) {
    const what = words.length === 0 ? "no command specified" : `cannot understand ${quote(words.join(" "))}`;
    throw new DutError("invalid_argument", `${mode}: ${what}`, {
      hint: `Available commands: ${usages[mode].map(([usage]) => usage).join(", ")}`,
    });
  }
  return action;
}

type Parser = (verb: string | undefined, rest: readonly string[]) => Action | undefined;

const parsers: Readonly<Record<Exclude<Mode, "screenshot">, Parser>> = {
  power(verb, rest) {
    const [button = "", ...more] = rest;
    if (verb === "click") {
      return more.length === 0 && Object.hasOwn(buttons, button)
        ? { kind: "click", button: buttons[button as keyof typeof buttons] }
        : undefined;
    }
    const command = powerCommands.find((known) => known === verb);
    if (rest.length > 0) {
      return undefined;
    }
    return verb === "status" ? { kind: "power status" } : command && { kind: "power", command };
  },

  keyboard(verb, rest) {
    if (rest.length === 0) {
      return undefined;
    }
    switch (verb) {
      case "type":
        return { kind: "type", text: rest.join(" ") };
      case "key":
        return { kind: "keys", combinations: rest.map(parseCombination) };
      default:
        return undefined;
    }
  },

  media(verb, rest) {
    const [first, second, ...more] = rest;
    switch (verb) {
      case "status":
        return first === undefined ? { kind: "media status" } : undefined;
      case "eject":
        return first === undefined ? { kind: "eject" } : undefined;
      case "remove":
        return first !== undefined && second === undefined ? { kind: "remove", image: imageName(first) } : undefined;
      case "upload":
        return first !== undefined && more.length === 0
          ? { kind: "upload", file: first, image: imageName(second ?? first.split("/").at(-1) ?? "") }
          : undefined;
      case "fetch":
        return first !== undefined && more.length === 0 ? parseFetch(first, second) : undefined;
      case "insert":
        return parseInsert(rest);
      default:
        return undefined;
    }
  },
};

function parseFetch(url: string, image: string | undefined): Action {
  if (!/^https?:\/\/./.test(url) || URL.parse(url) === null) {
    throw new DutError("invalid_argument", "fetch takes an URL of http or https", {
      hint: "the PiKVM fetches it itself, such as http://10.0.0.2/debian.iso",
    });
  }
  return { kind: "fetch", url, image: image === undefined ? undefined : imageName(image) };
}

function parseInsert(words: readonly string[]): Action | undefined {
  const [usb, rw] = [words.includes("-usb"), words.includes("-rw")];
  const [image, ...more] = words.filter((word) => word !== "-usb" && word !== "-rw");
  if (image === undefined || more.length > 0) {
    return undefined;
  }
  if (rw && !usb) {
    throw new DutError("invalid_argument", "a CD-ROM cannot be written", { hint: "add -usb" });
  }
  return { kind: "insert", image: imageName(image), cdrom: !usb, rw };
}

function parseScreenshot([file = "screenshot.jpg", ...more]: readonly string[]): Action | undefined {
  return file === "" || more.length > 0 ? undefined : { kind: "screenshot", file };
}

function imageName(name: string): string {
  if (name === "" || name.startsWith(".") || /[\p{Cc}/]/u.test(name)) {
    throw new DutError("invalid_argument", `${quote(name)} cannot be the name of an image`, {
      hint: "use a name without slashes that does not begin with a dot",
    });
  }
  return name;
}
