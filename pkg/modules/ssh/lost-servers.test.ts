import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { nodeFiles } from "#pkg/host/node-files.ts";
import { type Log, silentLog } from "#pkg/log/log.ts";
import { type RecordedCall, recordedCall } from "#test/support/recorded-call.ts";
import { openRollCall } from "#test/support/roll-call.ts";
import { runModule } from "#test/support/run-module.ts";
import { openSshServer, type SshServer, withoutOtherAccounts, withoutSshd } from "#test/support/ssh-server.ts";
import { ssh } from "./ssh.ts";

const parts = { files: nodeFiles() };

function at({ port, user, userKey, hostKey }: SshServer) {
  return { host: "127.0.0.1", port, user, privatekey: userKey.path, hostkey: hostKey.publicKey };
}

suite("servers and commands that do not answer", { skip: withoutSshd, concurrency: true }, () => {
  test("a board that falls silent in the middle of a command is given up after ten seconds", async () => {
    await using server = await openSshServer();
    const { call } = recordedCall(["echo ready; sleep 60"]);
    let frozenAt = Number.NaN;
    const stdout = async () => {
      server.freeze();
      frozenAt = performance.now();
    };
    await assert.rejects(runModule(ssh, at(server), { ...call, session: { ...call.session, stdout } }, parts), {
      code: "unavailable",
      message: "failed to execute command: the connection was lost before it had ended",
    });
    const seconds = (performance.now() - frozenAt) / 1000;
    assert.ok(seconds > 9 && seconds < 15, `given up after ${seconds} s`);
  });

  test("a command that says nothing for longer than that is waited for", async () => {
    await using server = await openSshServer();
    const { call, transcript } = recordedCall(["sleep 12; echo done"]);
    await runModule(ssh, at(server), call, parts);
    assert.deepEqual(transcript, [{ stdout: "done\n" }]);
  });

  test("a cancelled run does not wait for a command that heeds nothing, and the log says that it may go on", async () => {
    await using server = await openSshServer();
    await using roll = await openRollCall();
    const ending = new AbortController();
    const { log, warnings } = recordedLog();
    const { call } = recordedCall([roll.attend("command", "deaf")], { signal: ending.signal });
    const run = runModule(ssh, at(server), { ...call, log }, parts);
    await roll.came("command");
    ending.abort(new Error("client gone"));
    await assert.rejects(run, new Error("client gone"));
    assert.deepEqual(warnings, ["the command of an SSH run that is over may go on at the server"]);
  });

  test("signals of the user reach a command, which may end of one, and a cancelled run waits until it has", {
    skip: withoutOtherAccounts,
  }, async () => {
    await using server = await openSshServer({ asNobody: true });
    const loop = "echo ready; while :; do sleep 0.01; done";
    const end = async (command: string, act: (user: RecordedCall, ending: AbortController) => void) => {
      const { log, warnings } = recordedLog();
      const ending = new AbortController();
      const user = recordedCall([`${command}; ${loop}`], { signal: ending.signal });
      const stdout = async (bytes: Uint8Array) => {
        await user.call.session.stdout(bytes);
        if (String(bytes) === "ready\n") {
          act(user, ending);
        }
      };
      const call = { ...user.call, log, session: { ...user.call.session, stdout } };
      const error = await runModule(ssh, at(server), call, parts).catch((thrown: Error) => thrown.message);
      return { error, transcript: user.transcript.filter((said) => "stdout" in said).slice(1), warnings };
    };
    assert.deepEqual(
      [
        await end("trap 'echo usr; exit 3' USR1", (user) => {
          user.sendSignal("SIGTSTP");
          user.sendSignal("SIGUSR1");
        }),
        await end(":", (user) => user.sendSignal("SIGQUIT")),
        await end("trap 'echo term; exit 4' TERM", (_user, ending) => ending.abort(new Error("client gone"))),
      ],
      [
        {
          error: "failed to execute command: Process exited with status 3",
          transcript: [{ stdout: "usr\n" }],
          warnings: [],
        },
        { error: "failed to execute command: Process exited from signal QUIT", transcript: [], warnings: [] },
        { error: "client gone", transcript: [{ stdout: "term\n" }], warnings: [] },
      ],
    );
  });
});

function recordedLog(): { readonly log: Log; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  return { log: { ...silentLog, warn: (message) => void warnings.push(message) }, warnings };
}
