import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { claim } from "./claim.ts";

const never = new AbortController().signal;

test("what one has claimed the next one gets when he lets go", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "claim-"));
  const path = join(folder.path, "lock");
  const first = await claim(path, never);
  let got = false;
  const second = claim(path, never).then((claimed) => {
    got = true;
    return claimed;
  });
  assert.equal(await claim(path, AbortSignal.abort()), undefined);
  assert.equal(got, false);
  first?.[Symbol.dispose]();
  using claimed = await second;
  assert.ok(claimed);
});

test("what a process has claimed is free when it was killed", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "claim-"));
  const path = join(folder.path, "lock");
  const program = `import { claim } from ${JSON.stringify(import.meta.resolve("./claim.ts"))};
    await claim(${JSON.stringify(path)}, new AbortController().signal);
    console.log("claimed");
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  assert.equal(await claim(path, AbortSignal.abort()), undefined);
  child.kill("SIGKILL");
  using claimed = await claim(path, never);
  assert.ok(claimed);
});
