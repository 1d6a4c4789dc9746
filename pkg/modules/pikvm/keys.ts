import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** What people write, and the names of the browsers' KeyboardEvent.code that PiKVM takes. */
const names: Readonly<Record<string, string>> = {
  alt: "AltLeft",
  altgr: "AltRight",
  backspace: "Backspace",
  capslock: "CapsLock",
  cmd: "MetaLeft",
  control: "ControlLeft",
  ctrl: "ControlLeft",
  del: "Delete",
  delete: "Delete",
  down: "ArrowDown",
  end: "End",
  enter: "Enter",
  esc: "Escape",
  escape: "Escape",
  home: "Home",
  insert: "Insert",
  left: "ArrowLeft",
  meta: "MetaLeft",
  pagedown: "PageDown",
  pageup: "PageUp",
  pause: "Pause",
  printscreen: "PrintScreen",
  return: "Enter",
  right: "ArrowRight",
  shift: "ShiftLeft",
  space: "Space",
  super: "MetaLeft",
  sysrq: "PrintScreen",
  tab: "Tab",
  up: "ArrowUp",
  win: "MetaLeft",
};

/** The keys of a combination such as `ctrl+alt+del` or `ControlLeft+KeyC`, in the order they are pressed. Throws invalid_argument. */
export function parseCombination(text: string): readonly string[] {
  return text.split("+").map((name) => {
    const lower = name.toLowerCase();
    if (Object.hasOwn(names, lower)) {
      return names[lower] as string;
    }
    if (/^[a-z]$/i.test(name)) {
      return `Key${name.toUpperCase()}`;
    }
    if (/^[0-9]$/.test(name)) {
      return `Digit${name}`;
    }
    if (/^f(?:[1-9]|1\d|2[0-4])$/i.test(name)) {
      return name.toUpperCase();
    }
    // The device refuses names that it does not have.
    if (/^[A-Z][A-Za-z]+[0-9]*$/.test(name)) {
      return name;
    }
    throw new DutError("invalid_argument", `unknown key ${quote(name)} in ${quote(text)}`, {
      hint: "write it as in enter, f12, ctrl+alt+del or ControlLeft+KeyC",
    });
  });
}
