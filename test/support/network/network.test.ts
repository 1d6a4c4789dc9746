import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { suite, test } from "node:test";
import { Child } from "../child.ts";
import { type Computer, Network, withoutNetwork } from "./network.ts";

const options = { cwd: "/", env: process.env };

/** A service that tells whoever connects where the connection came from. */
async function startMirror({ namespace, address }: Computer): Promise<Child> {
  const mirror = new Child(
    [
      ...namespace.inside,
      "socat",
      "-d",
      "-d",
      `TCP-LISTEN:1024,bind=${address},fork,reuseaddr`,
      "SYSTEM:echo $SOCAT_PEERADDR",
    ],
    options,
  );
  await mirror.said("stderr", /listening on/);
  return mirror;
}

/** What is said to somebody who connects to `host`, or undefined when nobody is there within so many seconds. */
function askedFrom({ namespace }: Computer, host: string, seconds = 20): Promise<string | undefined> {
  return namespace.run("socat", "-u", `TCP:${host}:1024,connect-timeout=${seconds}`, "-").then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** How many packets a router has dropped because it knows no connection that they belong to. */
async function countDropped({ namespace }: Computer): Promise<() => Promise<number>> {
  await namespace.run("iptables", "-Z", "FORWARD");
  return async () => Number.parseInt(await namespace.run("iptables", "-nvxL", "FORWARD", "1"), 10);
}

suite("a network of namespaces", { skip: withoutNetwork }, () => {
  test("computers reach each other by address and by name, and see each other's address", async (t) => {
    await using network = await Network.open(t.signal);
    const [server, laptop] = [await network.computer("server"), await network.computer("laptop")];
    await using _mirror = await startMirror(server);
    await laptop.hosts({ lab: server.address });
    assert.deepEqual(
      [await askedFrom(laptop, server.address), await askedFrom(laptop, "lab"), laptop.address],
      ["192.0.2.3", "192.0.2.3", "192.0.2.3"],
    );
  });

  test("a name that has moved is found at its new address by a program that runs already", async (t) => {
    await using network = await Network.open(t.signal);
    const laptop = await network.computer("laptop");
    await laptop.hosts({ lab: "192.0.2.8" });
    await using shell = new Child([...laptop.namespace.inside, "sh"], options);
    shell.process.stdin.write("getent ahostsv4 lab\n");
    await shell.said("stdout", /192\.0\.2\.8 /);
    await laptop.hosts({ lab: "192.0.2.9" });
    shell.process.stdin.write("getent ahostsv4 lab\n");
    await shell.said("stdout", /192\.0\.2\.9 /);
  });

  test("who is behind a router shows its address, is reached by nobody, and is cut off when the router forgets", async (t) => {
    await using network = await Network.open(t.signal);
    const [server, router] = [await network.computer("server"), await network.router("router")];
    const bench = await router.behind.computer("bench");
    await using _mirror = await startMirror(server);
    await using _inner = await startMirror(bench);
    assert.deepEqual(
      [await askedFrom(bench, server.address), await askedFrom(server, bench.address, 0.2), bench.address],
      [router.front.address, undefined, "198.51.100.2"],
    );
    await using listener = new Child(
      [...server.namespace.inside, "socat", "-u", "-d", "-d", `TCP-LISTEN:1025,bind=${server.address}`, "-"],
      options,
    );
    await listener.said("stderr", /listening on/);
    await using sender = new Child(
      [...bench.namespace.inside, "socat", "-u", "-", `TCP:${server.address}:1025`],
      options,
    );
    sender.process.stdin.write("known");
    await listener.said("stdout", /known/);
    const forgotten = await countDropped(router.front);
    await router.forget();
    sender.process.stdin.write("forgotten");
    while ((await forgotten()) === 0) {}
    assert.equal(listener.stdout, "known");
  });

  test("packets are dropped in the direction that was asked for, until it is healed", async (t) => {
    await using network = await Network.open(t.signal);
    const [server, laptop] = [await network.computer("server"), await network.computer("laptop")];
    await using _mirror = await startMirror(server);
    const answers = [];
    for (const packets of ["in", "out", "both"] as const) {
      await laptop.drop(packets);
      answers.push(await askedFrom(laptop, server.address, 0.2));
      await laptop.heal();
      answers.push(await askedFrom(laptop, server.address));
    }
    assert.deepEqual(answers, [undefined, laptop.address, undefined, laptop.address, undefined, laptop.address]);
  });

  test("a computer that was unplugged is back at its address when it is plugged in again", async (t) => {
    await using network = await Network.open(t.signal);
    const [server, laptop] = [await network.computer("server"), await network.computer("laptop")];
    await using _mirror = await startMirror(server);
    await laptop.unplug();
    const away = await askedFrom(laptop, server.address, 0.2);
    await laptop.plug();
    assert.deepEqual([away, await askedFrom(laptop, server.address)], [undefined, laptop.address]);
  });

  test("attempts to connect are counted, wherever they go and whatever becomes of them", async (t) => {
    await using network = await Network.open(t.signal);
    const laptop = await network.computer("laptop");
    const connects = await laptop.countConnects();
    const none = await connects();
    await askedFrom(laptop, "127.0.0.1");
    await laptop.drop("out");
    await askedFrom(laptop, "192.0.2.99", 0.2);
    // What is lost may have been sent again.
    assert.deepEqual([none, (await connects()) >= 2], [0, true]);
  });

  test("nothing is left of a network, its programs included, and a leftover of a killed test goes at the next start", async (t) => {
    const { pid } = spawnSync("true");
    const leftover = `dutctl-${pid}-1-bench`;
    execFileSync("ip", ["netns", "add", leftover]);
    let program: Child;
    let namespace: string;
    {
      await using network = await Network.open(t.signal);
      const bench = await network.computer("bench");
      namespace = bench.namespace.name;
      program = new Child([...bench.namespace.inside, "sleep", "1000"], options);
      while (!(await bench.namespace.run("ip", "netns", "pids", namespace)).includes(String(program.process.pid))) {}
    }
    assert.equal((await program.ended).code, null);
    const left = [leftover, namespace].filter(
      (name) => existsSync(`/run/netns/${name}`) || existsSync(`/etc/netns/${name}`),
    );
    assert.deepEqual(left, []);
  });
});
