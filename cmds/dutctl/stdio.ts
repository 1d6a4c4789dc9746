import type { Writable } from "node:stream";
import type { Outlet } from "./world.ts";

/** Thrown by a write when the reader of the stream has gone away. Nobody is left to be told. */
export class OutputClosed extends Error {}

/** A stream of the process as an outlet. A failed write is its writer's to report, so the stream itself never throws. */
export function outletOf(stream: Writable & { readonly isTTY?: boolean }): Outlet {
  stream.on("error", () => {});
  return {
    isTerminal: stream.isTTY === true,
    async write(data) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stream.write(data, (error) => (error ? reject(translate(error)) : resolve()));
      await promise;
    },
  };
}

function translate(error: Error): Error {
  const closed = "code" in error && (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED");
  return closed ? new OutputClosed("the reader of the output has gone away", { cause: error }) : error;
}
