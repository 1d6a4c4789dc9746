import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLineInfo } from "./line-info.ts";

test("the holder and the direction of a line are read from gpioinfo of 1.6", () => {
  const text = `gpiochip0 - 58 lines:
	line   0:     "ID_SDA"       unused   input  active-high${" "}
	line  17:     "GPIO17"    "gpioset"  output  active-high [used pull-up]
	line  18: "a name: output" "it has blanks" input active-low [used]
	line  42:      unnamed       kernel  output   active-low [used]
`;
  assert.deepEqual(
    [0, 17, 18, 42, 7].map((pin) => parseLineInfo(text, pin)),
    [
      { holder: undefined, direction: "input" },
      { holder: "gpioset", direction: "output" },
      { holder: "it has blanks", direction: "input" },
      { holder: "kernel", direction: "output" },
      undefined,
    ],
  );
});

test("the holder and the direction of a line are read from gpioinfo of 2.x", () => {
  const text = `gpiochip0 - 58 lines:
	line   0:	"ID_SDA"        	input
	line  17:	"GPIO17"        	output active-low bias=pull-up consumer="dutagent"
	line  42:	unnamed         	output consumer="regulator-sd output"
	line  43:	unnamed         	input consumer=kernel
`;
  assert.deepEqual(
    [0, 17, 42, 43, 7].map((pin) => parseLineInfo(text, pin)),
    [
      { holder: undefined, direction: "input" },
      { holder: "dutagent", direction: "output" },
      { holder: "regulator-sd output", direction: "output" },
      { holder: "kernel", direction: "input" },
      undefined,
    ],
  );
});
