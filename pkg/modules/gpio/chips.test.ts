import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseChip, parseChips } from "./chips.ts";

const pi5 = `gpiochip0 [pinctrl-rp1] (54 lines)
gpiochip10 [gpio-brcmstb@107d508500] (32 lines)
gpiochip11 [gpio-brcmstb@107d517c00] (15 lines)
`;

test("what gpiodetect lists is known, and the chip of a Raspberry Pi's header is found by its label", () => {
  const chips = parseChips(pi5);
  assert.deepEqual(
    [chips.length, chooseChip(chips, undefined)],
    [3, { name: "gpiochip0", label: "pinctrl-rp1", lines: 54 }],
  );
});

test("a chip is named by its name, its path or its label", () => {
  const chips = parseChips(pi5);
  assert.deepEqual(
    ["gpiochip11", "/dev/gpiochip11", "gpio-brcmstb@107d517c00"].map((wanted) => chooseChip(chips, wanted).name),
    ["gpiochip11", "gpiochip11", "gpiochip11"],
  );
});

test("when nobody can say which chip is meant, those that there are are named", () => {
  const twins = parseChips("gpiochip0 [ftdi-cbus] (4 lines)\ngpiochip1 [ftdi-cbus] (4 lines)\n");
  assert.throws(() => chooseChip(twins, undefined), {
    message: "there is no GPIO chip of a Raspberry Pi's header",
    hint: "set the option chip to one of gpiochip0 (ftdi-cbus), gpiochip1 (ftdi-cbus)",
  });
  assert.throws(() => chooseChip(twins, "ftdi-cbus"), {
    message: 'there is more than one GPIO chip named "ftdi-cbus"',
  });
  assert.throws(() => chooseChip([], undefined), { message: "there is no GPIO chip that the agent may use" });
});
