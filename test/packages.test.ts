import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";
import { architectures, makeDebianPackage, type PackageName } from "../scripts/package/debian-package.ts";
import { renderManPage } from "../scripts/package/man-page.ts";
import { manPages } from "../scripts/package/man-pages.ts";
import { buildPrograms } from "./support/programs.ts";

const run = promisify(execFile);
const names: readonly PackageName[] = ["dutctl", "dutagent", "dutserver"];

test("every page of the manual is one that man shows without a complaint, with every option", {
  skip: missing("man"),
}, async (t) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "manual-"));
  for (const page of names.flatMap((name) => manPages[name])) {
    await t.test(`${page.name}(${page.section})`, async () => {
      const text = renderManPage(page, "1.2.3");
      const shown = spawnSync("man", ["--warnings=w", "-l", "-"], {
        input: text,
        encoding: "utf8",
        cwd: folder.path,
        env: { ...process.env, MANWIDTH: "200", LC_ALL: "C.UTF-8" },
      });
      const terms = page.sections.flatMap(({ parts }) =>
        parts.flatMap((part) => (part.kind === "terms" ? part.terms.map(([term]) => term) : [])),
      );
      const absent = terms.filter((term) => !shown.stdout.includes(term));
      assert.deepEqual({ status: shown.status, stderr: shown.stderr, absent }, { status: 0, stderr: "", absent: [] });
    });
  }
});

test("the packages install on a bare Debian, serve, and leave nothing when they are purged", {
  skip: noDebian(),
  // A whole Debian is fetched.
  timeout: 900_000,
}, async (t) => {
  await using acquired = new AsyncDisposableStack();
  const { programs } = acquired.use(await buildPrograms());
  const { path } = acquired.use(await mkdtempDisposable(join(tmpdir(), "debian-")));
  const debian = join(path, "root");
  const [codename, site] = await mirror();
  await run("debootstrap", ["--variant=minbase", `--include=${needed.join(",")}`, codename, debian, site]);
  const [start, ...enter] = entering(debian);
  const inside = (...words: readonly string[]) => run(start, [...enter, debian, ...words], { env: plainEnv });
  const architecture = architectures[`linux-${process.arch}` as keyof typeof architectures];
  for (const name of names) {
    const [executable = ""] = programs[name];
    const made = await makeDebianPackage({ name, architecture, version: "1.2.3", executable, into: path });
    await cp(made, join(debian, `${name}.deb`));
  }
  await inside("dpkg", "-i", ...names.map((name) => `/${name}.deb`));
  const { stdout: groups } = await inside("id", "-nG", "dutagent");
  const { stdout: owners } = await inside(
    "stat",
    "-c",
    "%n %U %a",
    "/var/lib/dutagent",
    "/etc/dutagent",
    "/var/lib/dutserver",
  );
  assert.deepEqual(
    [groups.trim().split(" ").sort(), owners.trim().split("\n")],
    [
      ["dialout", "dutagent", "gpio", "i2c", "kvm", "plugdev", "spi"],
      ["/var/lib/dutagent dutagent 700", "/etc/dutagent root 750", "/var/lib/dutserver dutserver 700"],
    ],
  );
  await t.test("the agent serves its first configuration as the service's user", async () => {
    const line = (await unitLine(debian, "dutagent")).map((word) => (word === "localhost:1024" ? "localhost:0" : word));
    const agent = spawn(start, [...enter, "--userspec=dutagent:dutagent", debian, ...line], {
      env: { ...plainEnv, HOME: "/var/lib/dutagent", STATE_DIRECTORY: "/var/lib/dutagent" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ended = once(agent, "exit");
    t.after(() => agent.kill("SIGKILL"));
    const address = await listening(agent.stderr);
    const { stdout } = await inside("dutctl", "-s", address, "bench", "status");
    agent.kill("SIGTERM");
    assert.deepEqual([stdout.startsWith("Linux "), await ended], [true, [0, null]]);
  });
  await inside("dpkg", "-r", ...names);
  const { stdout: kept } = await inside("sh", "-c", "ls -d /etc/dutagent/* /etc/default/dut* /var/lib/dut*");
  assert.deepEqual(kept.trim().split("\n"), [
    "/etc/default/dutagent",
    "/etc/default/dutserver",
    "/etc/dutagent/config.yaml",
    "/var/lib/dutagent",
    "/var/lib/dutserver",
  ]);
  await inside("dpkg", "-P", ...names);
  const { stdout: left } = await inside(
    "find",
    "/etc",
    "/usr",
    "/var",
    "-path",
    "/var/log",
    "-prune",
    "-o",
    "-name",
    "*dut[acs]*",
    "-print",
  );
  assert.equal(left, "");
});

/** What the packages depend on and the smallest Debian does not have. */
const needed = [
  "libatomic1",
  "libstdc++6",
  "systemd-standalone-sysusers",
  "systemd-standalone-tmpfiles",
  "init-system-helpers",
];

const plainEnv = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };

/** The beginning of a command line that goes on with the arguments of chroot: with /proc, which goes with what is started. */
function entering(debian: string): readonly [string, ...string[]] {
  return ["unshare", "--mount", "sh", "-c", `mount -t proc proc ${debian}/proc && exec chroot "$@"`, "chroot"];
}

/** The command line of a unit with the options that its package has set. */
async function unitLine(debian: string, name: PackageName): Promise<readonly string[]> {
  const unit = await readFile(join(debian, `usr/lib/systemd/system/${name}.service`), "utf8");
  const options = await readFile(join(debian, `etc/default/${name}`), "utf8");
  const [, line = ""] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
  return line
    .replace(/\$(\w+)/, (_, variable) => new RegExp(`^${variable}="(.*)"$`, "m").exec(options)?.[1] ?? "")
    .split(" ");
}

async function listening(stderr: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface(stderr)) {
    const [, address] = /listening addr=(\S+)/.exec(line) ?? [];
    if (address !== undefined) {
      return address;
    }
  }
  throw new Error("the agent ended before it listened");
}

/** Where this Debian gets its packages, and its name there. */
async function mirror(): Promise<readonly [codename: string, site: string]> {
  const words = ["indextargets", "--format", "$(CODENAME) $(SITE)", "Created-By: Packages"];
  const { stdout } = await run("apt-get", words);
  const [, codename = "", site = ""] = /^(\w+) (\S+)$/m.exec(stdout) ?? [];
  return [codename, site];
}

function missing(program: string): string | false {
  return spawnSync("which", [program]).status === 0 ? false : `needs ${program}`;
}

function noDebian(): string | false {
  return process.getuid?.() === 0
    ? missing("debootstrap") || missing("dpkg-deb")
    : "needs root for a Debian of its own";
}
