import assert from "node:assert/strict";
import { test } from "node:test";
import { flash } from "./flash.ts";
import { flashOptions } from "./options.ts";

test("entries with one programmer or its USB port exclude each other, also of two tools, and others do not", () => {
  const names = [
    { tool: "flashrom", programmer: "ch341a_spi" },
    { tool: "/opt/bin/flashprog", programmer: "ch341a_spi" },
    { tool: "flashrom", programmer: "serprog:dev=/dev/ttyACM0" },
    { tool: "dpcmd", programmer: "1" },
    { tool: "dpcmd" },
    { tool: "dpcmd", recover: { location: "1-1.4", port: 2 } },
  ].map((options) =>
    flash
      .configure(options)
      .resources.map(({ kind, name }) => `${kind} ${name}`)
      .join(),
  );
  assert.deepEqual(names, [
    "flash programmer ch341a_spi",
    "flash programmer ch341a_spi",
    "flash programmer serprog:dev=/dev/ttyACM0",
    "flash programmer dpcmd 1",
    "flash programmer dpcmd",
    "flash programmer dpcmd,USB port 2 of hub 1-1.4",
  ]);
});

for (const [what, options, message] of [
  ["no tool", {}, "tool must be configured; supported tools are [flashrom flashprog dpcmd]"],
  ["an unknown tool", { tool: "/bin/dd" }, '"/bin/dd" unsupported; supported tools are [flashrom flashprog dpcmd]'],
  ["no programmer", { tool: "flashrom" }, 'programmer must be configured for "flashrom"'],
  ["a programmer that looks like an option", { tool: "flashrom", programmer: "-V" }, "must not begin with a dash"],
  [
    "regions without a layout",
    { tool: "flashrom", programmer: "dummy", regions: ["boot"] },
    "regions are those of a layout: set the option layout",
  ],
  ["a layout for dpcmd", { tool: "dpcmd", layout: "l" }, "dpcmd has no layouts: leave the option out"],
] as const) {
  test(`${what} is refused in the configuration`, () => {
    const { error } = flashOptions.safeParse(options);
    assert.deepEqual(
      error?.issues.map((issue) => issue.message),
      [message],
    );
  });
}
