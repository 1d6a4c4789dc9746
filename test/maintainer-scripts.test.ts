import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const skip =
  process.getuid?.() !== 0
    ? "needs root to have a /run of its own"
    : !existsSync("/usr/bin/deb-systemd-invoke") && "needs the Debian package init-system-helpers";

/** A systemd with one service, which is enabled; a service that is `broken` does not start. */
const systemctl = (folder: string) => `#!/bin/sh
cd '${folder}' || exit 1
case "$*" in
  *is-enabled*) echo enabled ;;
  *is-active*) grep -qx active state ;;
  *daemon-reload*) [ ! -e unreachable ] ;;
  *stop*) [ ! -e unreachable ] && echo inactive > state ;;
  *start*) echo started >> starts; [ ! -e broken ] && echo active > state ;;
  *) exit 2 ;;
esac
`;

/** A computer with systemd, on which scripts of packages run; what they tell other tools is taken and forgotten. */
async function openComputer() {
  const folder = await mkdtempDisposable(join(tmpdir(), "maintainer-"));
  const file = (name: string) => join(folder.path, name);
  await writeFile(file("systemctl"), systemctl(folder.path), { mode: 0o755 });
  for (const tool of ["systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper", "udevadm"]) {
    await writeFile(file(tool), "#!/bin/sh\n", { mode: 0o755 });
  }
  await writeFile(file("state"), "inactive\n");
  await writeFile(file("starts"), "");
  const own = [
    "set -e",
    "mount -t tmpfs none /run",
    "mkdir -p /run/systemd/system /run/udev",
    "[ ! -e /usr/sbin/policy-rc.d ] || mount --bind /dev/null /usr/sbin/policy-rc.d",
    'exec "$@"',
  ].join("\n");
  return {
    has: (fault: "broken" | "unreachable") => writeFile(file(fault), ""),
    async run(name: string, script: string, ...words: string[]) {
      const path = join(import.meta.dirname, "../contrib/debian", name, "DEBIAN", script);
      const { status, stderr } = spawnSync("unshare", ["--mount", "sh", "-c", own, "sh", path, ...words], {
        encoding: "utf8",
        env: { PATH: `${folder.path}:${process.env.PATH}` },
      });
      const state = (await readFile(file("state"), "utf8")).trim();
      const starts = (await readFile(file("starts"), "utf8")).split("\n").length - 1;
      return { status, told: stderr.includes(name), state, starts };
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

for (const [name, startsOfUpgrade] of [
  ["dutagent", 0],
  ["dutserver", 1],
] as const) {
  test(`${name} runs after it was installed, upgraded, and installed again after it was removed`, {
    skip,
  }, async () => {
    await using computer = await openComputer();
    const after = (starts: number, state = "active") => ({ status: 0, told: false, state, starts });
    const upgraded = 1 + startsOfUpgrade;
    assert.deepEqual(
      [
        await computer.run(name, "postinst", "configure"),
        await computer.run(name, "prerm", "upgrade", "1.0"),
        await computer.run(name, "postinst", "configure", "1.0"),
        await computer.run(name, "prerm", "remove"),
        await computer.run(name, "postinst", "abort-remove"),
        await computer.run(name, "prerm", "remove"),
        await computer.run(name, "postrm", "remove"),
        await computer.run(name, "postinst", "configure", "1.0"),
      ],
      [
        after(1),
        after(1),
        after(upgraded),
        after(upgraded, "inactive"),
        after(upgraded + 1),
        after(upgraded + 1, "inactive"),
        after(upgraded + 1, "inactive"),
        after(upgraded + 2),
      ],
    );
  });

  test(`${name} that does not start, or a systemd that does not answer, is told and does not fail its package`, {
    skip,
  }, async () => {
    await using computer = await openComputer();
    await computer.has("broken");
    const broken = await computer.run(name, "postinst", "configure");
    await computer.has("unreachable");
    const others = [
      await computer.run(name, "postinst", "configure"),
      await computer.run(name, "prerm", "remove"),
      await computer.run(name, "postrm", "remove"),
    ];
    assert.deepEqual(
      [broken, ...others].map(({ status, told, state }) => ({ status, told, state })),
      Array(4).fill({ status: 0, told: true, state: "inactive" }),
    );
  });
}
