import assert from "node:assert/strict";
import { mkdtempDisposable, realpath, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { resourceNames } from "./resource-names.ts";

test("a path stands for what it leads to, and everything is named once", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "resources-"));
  const [port, link, gone] = ["ttyUSB0", "by-id", "gone"].map((name) => join(directory.path, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(port, "");
  await symlink("ttyUSB0", link);
  assert.deepEqual(
    resourceNames([
      { kind: "serial port", name: port },
      { kind: "serial port", name: link },
      { kind: "programmer", name: link },
      { kind: "serial port", name: gone },
      { kind: "programmer", name: "linux_spi:dev=/dev/spidev0.0" },
      { kind: "programmer", name: "linux_spi:dev=/dev/spidev0.0" },
    ]),
    [
      `serial port ${await realpath(port)}`,
      `programmer ${await realpath(port)}`,
      `serial port ${gone}`,
      "programmer linux_spi:dev=/dev/spidev0.0",
    ],
  );
});
