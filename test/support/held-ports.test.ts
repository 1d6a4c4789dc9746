import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { HeldPorts } from "./held-ports.ts";

/** A network of its own with so few ports that whoever looks for a free one comes to all of them. */
const fewPorts = ["unshare", "--map-root-user", "--net", "sh", "-c"];
const setUp = 'ip link set lo up && echo "40000 40009" >/proc/sys/net/ipv4/ip_local_port_range && exec "$@"';
const [program = "", ...words] = [...fewPorts, setUp, "sh"];
const ownNetwork = spawnSync(program, [...words, "true"]).status === 0;

const listener = `
  import { once } from "node:events";
  import { createServer } from "node:net";
  import { HeldPorts } from ${JSON.stringify(import.meta.resolve("./held-ports.ts"))};
  const listening = (port) => {
    const server = createServer();
    return once(server.listen(port, "127.0.0.1"), "listening").then(() => server, () => undefined);
  };
  await using ports = new HeldPorts();
  const held = await ports.hold();
  const others = [];
  for (let server = await listening(0); server !== undefined; server = await listening(0)) {
    others.push(server);
  }
  const own = await listening(held);
  console.log(JSON.stringify([others.length, own?.address().port === held]));
  for (const server of [...others, own]) {
    server?.close();
  }
`;

test("a held port is found free by nobody, and is there for who asks for it by its number", {
  skip: ownNetwork ? false : "needs unshare (apt-get install util-linux), ip (iproute2) and user namespaces",
}, () => {
  const { stdout, stderr } = spawnSync(program, [...words, process.execPath, "--input-type=module", "-e", listener], {
    encoding: "utf8",
  });
  // One of ten is held, and one is what it is connected to.
  assert.deepEqual([stdout, stderr], ["[8,true]\n", ""]);
});

test("a held port may be listened on again and again, and nothing answers there meanwhile", async () => {
  await using ports = new HeldPorts();
  const [one, two] = await Promise.all([ports.hold(), ports.hold()]);
  assert.notEqual(one, two);
  for (let round = 0; round < 2; round++) {
    await assert.rejects(fetch(`http://127.0.0.1:${one}`), ({ cause }: Error) => {
      assert.equal((cause as NodeJS.ErrnoException).code, "ECONNREFUSED");
      return true;
    });
    await using server = createServer();
    await once(server.listen(one, "localhost"), "listening");
    assert.equal((server.address() as AddressInfo).port, one);
  }
});
