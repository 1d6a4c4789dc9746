import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { expectWhole } from "./request-patience.ts";

for (const [what, finish, expected] of [
  ["that does not end is reset, and counted", false, [constants.NGHTTP2_ENHANCE_YOUR_CALM, 1]],
  ["that has ended takes as long as it takes", true, [constants.NGHTTP2_NO_ERROR, 0]],
] as const) {
  test(`a request ${what}`, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let over = 0;
    const server = createServer((request, response) => {
      expectWhole(request, () => (over += 1), 50);
      request.resume();
      request.once("data", () => finish || t.mock.timers.tick(50));
      request.once("end", () => {
        t.mock.timers.tick(50);
        response.end("late");
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening", { signal: t.signal });
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = session.request({ ":method": "POST" });
    stream.on("error", () => {});
    stream.write("something");
    if (finish) {
      stream.end();
    }
    await new Promise((resolve) => stream.resume().once("close", resolve));
    session.destroy();
    server.close();
    assert.deepEqual([stream.rstCode, over], expected);
  });
}
