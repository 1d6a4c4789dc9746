import assert from "node:assert/strict";
import { test } from "node:test";
import { image } from "./image.ts";
import { runArgs } from "./test/run-image.ts";

test("what is no action of the module is refused, with what there is", async () => {
  const options = { device: "/dev/sda" };
  const said = async (...args: readonly string[]) => (await runArgs(options, args)).said[0];
  const hint = "(use write <image> [<bmap>], read <image> [bytes] or status)";
  assert.deepEqual(
    [
      await said(),
      await said("erase"),
      await said("write"),
      await said("read", "copy", "1k"),
      await said("status", "now"),
    ],
    [
      `invalid_argument: nothing to do was given ${hint}`,
      `invalid_argument: unknown action "erase" ${hint}`,
      `invalid_argument: write takes an image, and perhaps its bmap, not nothing ${hint}`,
      `invalid_argument: read takes a name and a number of bytes, not "copy" "1k" ${hint}`,
      `invalid_argument: status takes no arguments, not "now" ${hint}`,
    ],
  );
});

test("options name one place, and a map on the agent only with the image there", () => {
  const problems = (options: object) => {
    try {
      image.configure(options);
      return [];
    } catch (error) {
      return (error as { issues: { message: string }[] }).issues.map(({ message }) => message);
    }
  };
  assert.deepEqual(
    [problems({}), problems({ device: "/dev/sda", disk: "disk.img" }), problems({ device: "/dev/sda", bmap: "map" })],
    [
      ["give either device or disk"],
      ["give either device or disk"],
      ["a bmap on the agent needs the option file; the client's is an argument of write"],
    ],
  );
});
