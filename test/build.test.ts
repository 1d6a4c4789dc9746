import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { protocolVersion } from "#pkg/protocol/version.ts";
import { baseNode, strippedNode } from "../scripts/base-node.mjs";
import { buildExecutable } from "../scripts/build-executable.mjs";

const run = promisify(execFile);

/** What `dutctl version` prints, without the commit, which depends on the checkout. */
const versionText = `DUT Control Client\nVersion: ${protocolVersion}\nCode Revision … built with node${process.versions.node}\n\n`;

function withoutCommit(text: string): string {
  return text.replace(/(?:[0-9a-f]{7} from \w{3} \w{3} [ \d]\d [\d:]{8} UTC \d{4}|unset from ------) built/, "… built");
}

/** Shared libraries of the other platform, where Debian's cross packages put them. */
const sysroot = "/usr/aarch64-linux-gnu";
const emulator = "/usr/bin/qemu-aarch64-static";

test("an executable needs no Node and does not listen to NODE_OPTIONS", { skip: otherSystem() }, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "executable-"));
  const executable = join(folder.path, "dutctl");
  const base = await baseNode(`${process.platform}-${process.arch}`);
  await buildExecutable({ program: "dutctl", base, executable, codeCache: true });
  const env = { PATH: folder.path, NODE_OPTIONS: "--require /nonexistent.js" };
  const { stdout, stderr } = await run(executable, ["version"], { env, cwd: folder.path });
  assert.deepEqual({ stdout: withoutCommit(stdout), stderr }, { stdout: versionText, stderr: "" });
  if (base.endsWith("stripped")) {
    const { size } = await stat(executable);
    assert.ok(size <= 120e6, `${size} bytes`);
  }
});

test("an executable for linux-arm64 runs on that platform's processor", { skip: noArm64() }, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "executable-"));
  const executable = join(folder.path, "dutctl");
  await buildExecutable({ program: "dutctl", base: await baseNode("linux-arm64"), executable, codeCache: false });
  const { stdout } = await run(emulator, ["-L", sysroot, executable, "version"]);
  assert.equal(withoutCommit(stdout), versionText);
});

function otherSystem(): string | false {
  return process.platform === "linux" ? false : "executables are made for Linux";
}

function noArm64(): string | false {
  if (![emulator, join(sysroot, "lib/libatomic.so.1"), join(sysroot, "lib/libstdc++.so.6")].every(existsSync)) {
    return "needs an emulator: apt-get install qemu-user-static libstdc++6-arm64-cross libatomic1-arm64-cross";
  }
  return existsSync(strippedNode("linux-arm64")) ? false : "needs Node for it: npm run build -- --target linux-arm64";
}
