import assert from "node:assert/strict";
import { test } from "node:test";
import { Child } from "./child.ts";
import { supervise } from "./supervisor.ts";

test("a program that ends, or is killed, is started again, until nobody wants it any more", async () => {
  const started: Child[] = [];
  {
    await using supervisor = supervise(() => {
      const child = new Child(["cat"], { cwd: "/", env: process.env });
      started.push(child);
      return child;
    });
    const second = supervisor.next();
    supervisor.current.process.stdin.end();
    await second;
    const third = supervisor.next();
    supervisor.current.kill("SIGKILL");
    assert.equal(await third, supervisor.current);
  }
  assert.deepEqual(
    (await Promise.all(started.map(({ ended }) => ended))).map(({ code }) => code),
    [0, null, null],
  );
});
