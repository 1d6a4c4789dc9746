import { join } from "node:path";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Files } from "#pkg/host/files.ts";
import type { Log } from "#pkg/log/log.ts";

/**
 * Holds a board's state directory until this process ends or the result is disposed. The process id beside the lock is
 * for the message to others only. Throws failed_precondition when another process has the directory.
 */
export async function ownState(state: string, files: Files, log: Log): Promise<AsyncDisposable> {
  await using held = new AsyncDisposableStack();
  const owner = join(state, "owner");
  const lock = await files.lock(join(state, "lock"));
  if (lock === undefined) {
    const pid = (await files.readText(owner))?.trim() ?? "unknown";
    throw new DutError("failed_precondition", `the state directory ${state} is in use by process ${pid}`, {
      hint: "stop that agent, or give this board another state directory",
    });
  }
  held.use(lock);
  held.defer(() => forget(owner, files, log));
  await files.writeText(owner, `${process.pid}\n`);
  return held.move();
}

/** One that cannot be removed misleads nobody: it is read only while another process has the lock. */
async function forget(owner: string, files: Files, log: Log): Promise<void> {
  await files.remove(owner).catch((error: unknown) => {
    log.warn("cannot remove the file that names a board's owner", { owner, err: messageOf(error) });
  });
}
