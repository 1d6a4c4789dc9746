import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import { openLegacyServer } from "../test/legacy-server.ts";
import { openLink } from "../test/open-link.ts";

test("a server that knows only addresses is told again and again, and the log says it once", async (t) => {
  await using server = await openLegacyServer();
  await using link = await openLink(t, { servers: [server.address], own: parseAddress("localhost:1025"), everyMs: 1 });
  await server.asked(4);
  assert.deepEqual(server.registrations[3], { devices: ["board"], address: "localhost:1025" });
  await link.stop();
  assert.deepEqual(link.lines, ["info registered"]);
});

test("it hears of other devices at once", async (t) => {
  await using server = await openLegacyServer();
  await using link = await openLink(t, { servers: [server.address], own: parseAddress("localhost:1025") });
  await server.asked(1);
  link.configure("board", "plank");
  await server.asked(2);
  assert.deepEqual(server.registrations[1], { devices: ["board", "plank"], address: "localhost:1025" });
});

test("it is taken to have what it refuses as registered already, and nothing more", async (t) => {
  await using server = await openLegacyServer();
  await using link = await openLink(t, { servers: [server.address], own: parseAddress("localhost:1025"), everyMs: 1 });
  await link.said("info registered");
  server.answer = () => Promise.reject(new DutError("already_exists", 'device "board" already registered'));
  await link.said("debug the server has the devices already");
  link.configure("board", "plank");
  await link.said("error not attached, trying again");
});

test("an agent without a port says that such a server cannot have it", async (t) => {
  await using server = await openLegacyServer();
  await using link = await openLink(t, { servers: [server.address], own: undefined });
  assert.match(
    String((await link.said("error not attached, trying again")).err),
    /does not take agents that dial in \(HTTP status 404\), and this agent has no address to register \(listen with -a host:port, or replace the server\)$/,
  );
});
