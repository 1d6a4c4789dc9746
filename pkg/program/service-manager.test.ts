import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { serviceManager } from "./service-manager.ts";

const missing = ["systemd-notify", "socat"].find((program) => spawnSync(program, ["--version"]).error !== undefined);
const skip = missing === undefined ? false : `${missing} is not installed`;

test("the service manager is told that the process is ready, alive and stopping, and no child can speak for it", {
  skip,
}, async (t) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "service-manager-"));
  const socket = join(folder.path, "notify");
  const receiver = spawn("socat", ["-u", "-ddd", "-lf", join(folder.path, "log"), `UNIX-RECV:${socket}`, "STDOUT"]);
  t.after(() => receiver.kill());
  let said = "";
  receiver.stdout.on("data", (piece: Buffer) => {
    said += piece.toString();
  });
  while (spawnSync("test", ["-S", socket]).status !== 0) {
    await new Promise(setImmediate);
  }
  const env: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: "300000",
    WATCHDOG_PID: "1",
  };
  const failures: string[] = [];
  const manager = serviceManager(env, (reason) => failures.push(reason));
  assert.deepEqual(Object.keys(env), ["PATH"]);
  const heard = async (wanted: string) => {
    while (!said.includes(wanted)) {
      await once(receiver.stdout, "data");
    }
  };
  manager.ready();
  await heard("READY=1");
  await heard("WATCHDOG=1");
  manager[Symbol.dispose]();
  await heard("STOPPING=1");
  receiver.kill();
  await once(receiver, "exit");
  assert.deepEqual(failures, []);
});

test("a process that nobody manages tells nobody, and one whose manager is gone says so", { skip }, async () => {
  const failures = Promise.withResolvers<string>();
  {
    using nobody = serviceManager({ PATH: process.env.PATH }, failures.resolve);
    nobody.ready();
  }
  using gone = serviceManager({ PATH: process.env.PATH, NOTIFY_SOCKET: "/nowhere/notify" }, failures.resolve);
  gone.ready();
  assert.match(await failures.promise, /^cannot tell the service manager: .*systemd-notify/);
});
