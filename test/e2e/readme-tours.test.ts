import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { etcdIsMissing } from "#test/support/etcd.ts";
import { withoutNetwork } from "#test/support/network/network.ts";
import { parseTour } from "#test/support/tour/parse-tour.ts";
import { Stage } from "#test/support/tour/play-tour.ts";

const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");

suite("what the README tells of several machines happens as it stands there", { skip: withoutNetwork }, () => {
  for (const [heading, skip] of [
    ["A lab in ten minutes", false],
    ["Three servers", etcdIsMissing ?? false],
  ] as const) {
    test(heading, { skip }, async () => {
      await using stage = await Stage.open();
      for (const step of parseTour(readme, heading)) {
        await stage.play(step);
      }
    });
  }
});
