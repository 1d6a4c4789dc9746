import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { AgentDevicesSchema } from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { parseAnnouncement } from "./announcement.ts";

const announced = (...devices: { name: string; description?: string }[]) => create(AgentDevicesSchema, { devices });

test("what cannot be a name is left out, each with the reason, and the rest is taken", () => {
  const { devices, unfit } = parseAnnouncement(
    announced({ name: "board" }, { name: "" }, { name: "a\x1b[31mred" }, { name: "board" }, { name: "x".repeat(100) }),
  );
  assert.deepEqual(
    [devices.map(({ name }) => name), unfit.map(({ reason }) => reason)],
    [
      ["board"],
      [
        'the name of a device is empty: ""',
        'the name of a device must not contain control characters: "a\\x1b[31mred"',
        'the name of a device occurs twice: "board"',
        `the name of a device must not be longer than 64 characters: "${"x".repeat(32)}"`,
      ],
    ],
  );
});

for (const [what, devices] of [
  ["devices", Array.from({ length: 2_001 }, (_, index) => ({ name: `board-${index}` }))],
  ["text", [{ name: "board", description: "x".repeat(300_000) }]],
] as const) {
  test(`too much of ${what} is refused with the numbers`, () => {
    assert.throws(() => parseAnnouncement(announced(...devices)), {
      code: "resource_exhausted",
      message: /^\d+ devices with \d+ characters are more than an agent may announce$/,
    });
  });
}
