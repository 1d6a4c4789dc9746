import type { Context } from "./commands/context.ts";

/** Until the user is told that the peer does not answer, in milliseconds. */
const lateMs = 5_000;

/** Tells the user who is waited for when that takes long, unless it is disposed before. */
export function tellWhenLate({ out, server }: Pick<Context, "out" | "server">): Disposable {
  const timer = setTimeout(() => {
    // Whoever writes the result learns that nobody reads any more.
    void out.write({ type: "notice", data: `${server} has not answered yet` }).catch(() => {});
  }, lateMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
