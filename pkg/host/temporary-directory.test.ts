import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtempDisposable, readdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { silentLog } from "#pkg/log/log.ts";
import { removeAbandoned, temporaryDirectory } from "./temporary-directory.ts";

/** Another process with a temporary directory that has a file, a folder and a link in it. */
async function directoryElsewhere(outside: string) {
  const program = `import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
    import { temporaryDirectory } from "#pkg/host/temporary-directory.ts";
    const { path } = await temporaryDirectory("flash-");
    mkdirSync(path + "/folder");
    writeFileSync(path + "/folder/image", "image");
    symlinkSync(process.argv[1], path + "/link");
    console.log(path);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program, outside], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(child.stdout, "data");
  const kill = async () => {
    child.kill("SIGKILL");
    await once(child, "close");
  };
  return { name: basename(String(said).trim()), kill };
}

test("what a killed process has left is removed, and nothing that lives, is not private, is a link or merely has such a name", async (t) => {
  await using place = await mkdtempDisposable(join(tmpdir(), "abandoned-"));
  const { TMPDIR: before = "" } = process.env;
  t.after(() => {
    process.env.TMPDIR = before;
  });
  process.env.TMPDIR = place.path;
  const outside = join(place.path, "outside");
  await mkdir(outside);
  await writeFile(join(outside, ".dutagent.lock"), "");
  const [dead, living] = await Promise.all([directoryElsewhere(outside), directoryElsewhere(outside)]);
  t.after(living.kill);
  await using own = await temporaryDirectory("snmp-");
  await symlink(outside, join(place.path, "dutagent-link"));
  await writeFile(join(place.path, "dutagent-file"), "");
  await mkdir(join(place.path, "dutagent-unlocked"), { mode: 0o700 });
  const open = join(place.path, "dutagent-open");
  await mkdir(open);
  await chmod(open, 0o755);
  await writeFile(join(open, ".dutagent.lock"), "");
  await dead.kill();

  await removeAbandoned(silentLog);
  assert.deepEqual(
    [(await readdir(place.path)).sort(), await readdir(outside), (await readdir(join(place.path, living.name))).sort()],
    [
      [
        ...["dutagent-file", living.name, "dutagent-link", "dutagent-open", "dutagent-unlocked"],
        ...[basename(own.path), "outside"],
      ].sort(),
      [".dutagent.lock"],
      [".dutagent.lock", "folder", "link"],
    ],
  );
});

test("where temporary files cannot be looked through, that is told, and nothing else", async (t) => {
  await using place = await mkdtempDisposable(join(tmpdir(), "abandoned-"));
  const { TMPDIR: before = "" } = process.env;
  t.after(() => {
    process.env.TMPDIR = before;
  });
  process.env.TMPDIR = join(place.path, "file");
  await writeFile(process.env.TMPDIR, "");
  const warned: string[] = [];
  await removeAbandoned({ ...silentLog, warn: (message) => void warned.push(message) });
  assert.deepEqual(warned, ["cannot look for what killed agents have left"]);
});
