/**
 * usbrelay 1.0 with a board BITFT of two relays, in a folder: `BITFT_1` holds the state of the first one, `log` what was
 * switched. Without the file `plugged` there is no board, which usbrelay takes for no failure. A relay that is named in
 * `stuck` stays as it is; with a file `loose` the board is unplugged once it has switched. Usage: `node usbrelay.ts <folder> [arguments]`.
 */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [folder = "", ...words] = process.argv.slice(2);

const contentOf = (name: string) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim() : "";

const names = existsSync(join(folder, "plugged")) ? ["BITFT_1", "BITFT_2"] : [];
// As the real one, before it does what it is told.
for (const name of names) {
  process.stdout.write(`${name}=${contentOf(name) || "0"}\n`);
}
for (const word of words) {
  const [, name = "", value = ""] = /^([A-Za-z0-9]+_\d+)=([01])$/.exec(word) ?? [];
  if (name === "") {
    process.stderr.write(`Invalid relay specification: ${word}\n`);
    process.exit(1);
  }
  if (names.includes(name)) {
    appendFileSync(join(folder, "log"), `${word}\n`);
    if (contentOf("stuck") !== name) {
      writeFileSync(join(folder, name), value);
    }
    if (existsSync(join(folder, "loose"))) {
      rmSync(join(folder, "plugged"));
    }
  }
}
