import assert from "node:assert/strict";
import { test } from "node:test";
import { humanBytes } from "./human.ts";

test("sizes are shown in binary units with one decimal", () => {
  const shown = [0, 1023, 1024, 1536, 1024 ** 2, 500 * 1024 ** 2, 3 * 1024 ** 3, 1024 ** 4, 1024 ** 5, 1024 ** 6].map(
    humanBytes,
  );
  assert.deepEqual(shown, [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 KiB",
    "1.0 MiB",
    "500.0 MiB",
    "3.0 GiB",
    "1.0 TiB",
    "1.0 PiB",
    "1.0 EiB",
  ]);
});
