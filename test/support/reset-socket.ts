import type { Socket } from "node:net";

/**
 * A connection whose end was sent cannot be reset any more: libuv refuses (uv_tcp_close_reset), and Node 26.10 then never
 * closes its handle, so that the process spins when it ends.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) {
    socket.destroy();
  } else {
    socket.resetAndDestroy();
  }
}
