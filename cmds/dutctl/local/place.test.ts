import assert from "node:assert/strict";
import { chmod, mkdir, mkdtempDisposable, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace } from "./place.ts";

const uid = process.getuid?.() ?? 0;
const config = "/srv/bench.yaml";
const name = "777bb750c5a1b43d";

function temporaryFolder() {
  return mkdtempDisposable(join(tmpdir(), "place-"));
}

test("a configuration has its place below the user's runtime folder, in a folder that nobody else can enter", async () => {
  await using runtime = await temporaryFolder();
  const folder = join(runtime.path, "dutctl");
  const place = await openPlace(config, { env: { XDG_RUNTIME_DIR: runtime.path }, uid });
  const again = await openPlace(config, { env: { XDG_RUNTIME_DIR: runtime.path }, uid });
  assert.deepEqual(
    [place, again, (await stat(folder)).mode & 0o777],
    [
      { socket: `${folder}/${name}.sock`, users: `${folder}/${name}.users`, log: `${folder}/${name}.log` },
      place,
      0o700,
    ],
  );
});

test("without a runtime folder of the user's own the place is below the folder for temporary files", async () => {
  await using folder = await temporaryFolder();
  const temporary = folder.path;
  const missing = join(temporary, "missing");
  for (const env of [{}, { XDG_RUNTIME_DIR: "relative" }, { XDG_RUNTIME_DIR: missing }]) {
    const { users } = await openPlace(config, { env, uid, temporary });
    assert.equal(users, `${temporary}/dutctl-${uid}/${name}.users`);
  }
});

test("a runtime folder whose path is too long for a socket is passed over, and so many letters everywhere are refused", async () => {
  await using folder = await temporaryFolder();
  const long = join(folder.path, "l".repeat(90));
  await mkdir(long);
  const { socket } = await openPlace(config, { env: { XDG_RUNTIME_DIR: long }, uid, temporary: folder.path });
  assert.equal(socket, `${folder.path}/dutctl-${uid}/${name}.sock`);
  await assert.rejects(openPlace(config, { env: {}, uid, temporary: long }), {
    code: "invalid_argument",
    message: `the path of the folder for temporary files is too long for a socket: ${long}`,
    hint: "set TMPDIR to a shorter one",
  });
});

test("a folder that others can enter, that is a link or that is another user's is refused", async () => {
  await using folder = await temporaryFolder();
  const runtime = folder.path;
  const own = join(runtime, "dutctl");
  const refused = {
    code: "permission_denied",
    message: `${own} is not a folder of yours that nobody else can enter`,
    hint: "remove it, or set XDG_RUNTIME_DIR to a folder of yours",
  };
  await symlink(tmpdir(), own);
  await assert.rejects(openPlace(config, { env: { XDG_RUNTIME_DIR: runtime }, uid }), refused);
  const temporary = join(runtime, "temporary");
  const made = join(temporary, `dutctl-${uid}`);
  await mkdir(made, { recursive: true, mode: 0o700 });
  await chmod(made, 0o750);
  await assert.rejects(openPlace(config, { env: {}, uid, temporary }), {
    ...refused,
    message: refused.message.replace(own, made),
  });
  const theirs = join(temporary, `dutctl-${uid + 1}`);
  await mkdir(theirs, { mode: 0o700 });
  await assert.rejects(openPlace(config, { env: {}, uid: uid + 1, temporary }), {
    ...refused,
    message: refused.message.replace(own, theirs),
  });
});
