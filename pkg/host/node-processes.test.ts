import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { nodeProcesses } from "./node-processes.ts";
import type { ExitStatus, HostProcess } from "./processes.ts";

const processes = nodeProcesses();

const shell = (t: TestContext, command: string) =>
  processes.start({ program: "/bin/sh", args: ["-c", command], signal: t.signal });

const text = async (output: AsyncIterable<Uint8Array>) => Buffer.concat(await Array.fromAsync(output)).toString();

async function whole({ stdout, stderr, exited }: HostProcess) {
  const [out, err, status] = await Promise.all([text(stdout), text(stderr), exited]);
  return { out, err, status };
}

const refused = (error: unknown) => {
  assert.ok(error instanceof DutError, String(error));
  return { code: error.code, message: error.message };
};

test("a program's two outputs and its status arrive whole", async (t) => {
  await using program = await shell(t, "echo out; echo err >&2; exit 3");
  assert.deepEqual(await whole(program), { out: "out\n", err: "err\n", status: { kind: "exited", code: 3 } });
});

test("a program can open its outputs by name, as on a pipe of the kernel", async (t) => {
  await using program = await shell(t, "echo out >/dev/stdout; echo err >/dev/stderr");
  assert.deepEqual(await whole(program), { out: "out\n", err: "err\n", status: { kind: "exited", code: 0 } });
});

test("a program that a signal ended says which", async (t) => {
  await using program = await shell(t, "kill -ABRT $$");
  assert.deepEqual(await whole(program), { out: "", err: "", status: { kind: "killed", signal: "SIGABRT" } });
});

test("a program finds nothing on its stdin, its folder and its environment as given", async (t) => {
  await using program = await processes.start({
    program: "/bin/sh",
    args: ["-c", 'cat; pwd; echo "$GIVEN"'],
    cwd: "/proc",
    env: { GIVEN: "a b" },
    signal: t.signal,
  });
  assert.deepEqual(await whole(program), { out: "/proc\na b\n", err: "", status: { kind: "exited", code: 0 } });
});

test("outputs that nobody reads do not keep a program from having exited", async (t) => {
  await using program = await shell(t, "echo out; exit 4");
  assert.deepEqual(await program.exited, { kind: "exited", code: 4 } satisfies ExitStatus);
});

test("a program that cannot be started says why", async (t) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "start-"));
  const text = join(folder.path, "text");
  await writeFile(text, "not a program\n", { mode: 0o600 });
  const start = (program: string, args: string[] = [], cwd = "/") =>
    processes.start({ program, args, cwd, signal: t.signal }).then(() => "started", refused);
  assert.deepEqual(
    [
      await start("no-such-program"),
      await start(text),
      await start("/bin/sh", ["-c", "echo \0"]),
      await start("/bin/sh", [], "/no/such/folder"),
    ],
    [
      { code: "not_found", message: "start no-such-program: no such file or directory" },
      { code: "permission_denied", message: `start ${text}: permission denied` },
      { code: "invalid_argument", message: 'start "/bin/sh": an argument holds a NUL byte' },
      { code: "not_found", message: "start /bin/sh in /no/such/folder: there is no such folder" },
    ],
  );
});

test("a script whose interpreter is missing is not said to be missing itself", async (t) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "script-"));
  const program = join(folder.path, "script");
  await writeFile(program, "#!/bin/sh\r\necho never\r\n", { mode: 0o755 });
  await assert.rejects(processes.start({ program, args: [], signal: t.signal }), {
    code: "not_found",
    message: `start ${program}: the interpreter that it names is missing`,
  });
});

test("nothing starts for a run that is over", async () => {
  const start = processes.start({ program: "/bin/true", args: [], signal: AbortSignal.abort(new Error("over")) });
  await assert.rejects(start, new Error("over"));
});

test("a program that writes much is never far ahead of its reader", { skip: noProc() }, async (t) => {
  const total = 32 * 1024 * 1024;
  await using program = await shell(t, `exec head -c ${total} /dev/zero`);
  let read = 0;
  let furthestAhead = 0;
  for await (const piece of program.stdout) {
    read += piece.length;
    const io = await readFile(`/proc/${program.pid}/io`, "utf8").catch(() => "");
    const written = Number(/^wchar: (\d+)$/m.exec(io)?.[1] ?? 0);
    furthestAhead = Math.max(furthestAhead, written - read);
  }
  assert.equal(read, total);
  // A pipe of 64 KiB, the socket's 64 KiB and a write under way.
  assert.ok(furthestAhead <= 256 * 1024, `${furthestAhead} bytes ahead`);
});

test("a reader that stops closes the pipe, and the program ends by it", async (t) => {
  await using program = await shell(t, "exec yes");
  for await (const _ of program.stdout) {
    break;
  }
  assert.deepEqual(await program.exited, { kind: "killed", signal: "SIGPIPE" });
});

test("an output is iterated once", async (t) => {
  await using program = await shell(t, "exec yes");
  const pieces = program.stdout[Symbol.asyncIterator]();
  assert.throws(() => program.stdout[Symbol.asyncIterator](), /can be iterated once/);
  await pieces.return?.();
});

test("a program is found by name on PATH or by its path, and only if it can be run", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "find-"));
  const script = join(folder.path, "script");
  await writeFile(script, "#!/bin/sh\n", { mode: 0o600 });
  assert.deepEqual(
    await Promise.all(["/bin/sh", "no-such-program", "/bin", script].map((name) => processes.find(name))),
    ["/bin/sh", undefined, undefined, undefined],
  );
  assert.match((await processes.find("sh")) ?? "", /^\/.*\/sh$/);
});

function noProc() {
  return process.platform === "linux" ? false : "needs /proc, which only Linux has";
}
