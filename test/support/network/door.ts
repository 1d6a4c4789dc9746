import { join } from "node:path";
import { Child } from "../child.ts";
import type { Computer } from "./computer.ts";

/** A way into a computer of a network for a test, whose own process is in none. */
export interface Door extends AsyncDisposable {
  /** `unix:/path`, for whoever connects. */
  readonly address: string;
}

/** Opens a unix socket in a directory, from which socat leads to a `host:port` as seen from the computer. */
export async function openDoor({ namespace }: Computer, target: string, directory: string): Promise<Door> {
  const path = join(directory, `door-${target.replace(":", "-")}.sock`);
  await using acquired = new AsyncDisposableStack();
  const words = ["socat", "-d", "-d", `UNIX-LISTEN:${path},fork,unlink-early`, `TCP:${target},nodelay`];
  const socat = acquired.use(new Child([...namespace.inside, ...words], { cwd: directory, env: process.env }));
  await socat.said("stderr", /listening on/);
  const open = acquired.move();
  return { address: `unix:${path}`, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
