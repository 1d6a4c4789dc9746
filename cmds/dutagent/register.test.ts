import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { type Log, silentLog } from "#pkg/log/log.ts";
import { type Address, formatAddress, parseAddress } from "#pkg/protocol/address.ts";
import { RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { type Listener, listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { Registration } from "./register.ts";

const own = parseAddress("localhost:1025");

/** Longer than any test: the rounds that a test wants are those that it asks for. */
const neverMs = 10 * 60_000;

/** A server that takes what the test lets it take. Tells every registration that it was asked for. */
class Server {
  readonly told = new EventEmitter<{ asked: [devices: string[]] }>();
  answer: () => Promise<void> | undefined = () => undefined;
  asked = 0;

  listen(address = "localhost:0"): Promise<Listener> {
    const handler = rpcHandler(
      (router) =>
        router.service(RelayService, {
          register: async ({ devices }) => {
            this.asked += 1;
            this.told.emit("asked", devices);
            await this.answer();
            return {};
          },
        }),
      { self: "dutserver", log: silentLog },
    );
    return listen(parseAddress(address), handler, { log: silentLog, insecure: false });
  }
}

/** The devices of an agent; telling of a change lets it register. */
class Devices {
  readonly devices = new Map<string, unknown>();
  readonly #listeners = new Set<() => void>();

  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  set(...names: readonly string[]): void {
    this.devices.clear();
    for (const name of names) {
      this.devices.set(name, name);
    }
    this.#listeners.forEach((listener) => void listener());
  }
}

/** A log that tells each line of which it is waited for. */
function heardLog() {
  const lines: string[] = [];
  const said = new EventEmitter<{ line: [] }>();
  const at = (level: string) => (message: string) => {
    lines.push(`${level} ${message}`);
    said.emit("line");
  };
  const log: Log = { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), with: () => log };
  const until = async (count: number) => {
    while (lines.length < count) {
      await once(said, "line");
    }
  };
  return { log, lines, until };
}

function opened(server: Address, everyMs: number) {
  const bench = new Devices();
  bench.set("board");
  const { log, lines, until } = heardLog();
  const registration = new Registration(server, bench, own, log, { everyMs });
  return { bench, lines, until, registration };
}

test("an agent registers again by itself, and its log says nothing of it", async () => {
  const server = new Server();
  await using listener = await server.listen();
  const { registration, lines } = opened(listener.address, 1);
  using _ = registration;
  const stop = new AbortController();
  assert.equal(await registration.first(), true);
  const keeping = registration.keepUp(stop.signal);
  while (server.asked < 4) {
    assert.deepEqual(await once(server.told, "asked"), [["board"]]);
  }
  stop.abort();
  await keeping;
  assert.deepEqual(lines, ["info registered"]);
});

test("the log says once that the server is lost, and once that it has the devices again", async () => {
  const server = new Server();
  const first = await server.listen();
  const { registration, lines, until } = opened(first.address, 1);
  using _ = registration;
  const stop = new AbortController();
  await registration.first();
  await first[Symbol.asyncDispose]();
  const keeping = registration.keepUp(stop.signal);
  await until(2);
  await using again = await server.listen(formatAddress(first.address));
  await until(3);
  stop.abort();
  await keeping;
  assert.deepEqual(lines, [
    "info registered",
    "warn server lost, registering again until it is back",
    "info registered",
  ]);
  assert.deepEqual(again.address, first.address);
});

test("a server that refuses what it has already is taken to have it, and one that refuses more is not", async () => {
  const server = new Server();
  await using listener = await server.listen();
  const { registration, lines, until, bench } = opened(listener.address, neverMs);
  using _ = registration;
  const stop = new AbortController();
  await registration.first();
  server.answer = () => Promise.reject(new DutError("already_exists", 'device "board" already registered'));
  const keeping = registration.keepUp(stop.signal);
  bench.set("board");
  await until(2);
  bench.set("board", "plank");
  await until(3);
  stop.abort();
  await keeping;
  assert.deepEqual(lines, ["info registered", "debug the server has the devices already", "error registration failed"]);
});

test("a change during a registration is registered after it, and the end does not wait for an answer", async () => {
  const server = new Server();
  await using listener = await server.listen();
  const { registration, lines, bench } = opened(listener.address, neverMs);
  using _ = registration;
  const stop = new AbortController();
  await registration.first();
  const answered = Promise.withResolvers<void>();
  server.answer = () => answered.promise;
  const keeping = registration.keepUp(stop.signal);
  const slow = once(server.told, "asked");
  bench.set("board", "plank");
  assert.deepEqual(await slow, [["board", "plank"]]);
  bench.set("plank");
  const next = once(server.told, "asked");
  assert.equal(server.asked, 2);
  server.answer = () => new Promise(() => {});
  answered.resolve();
  assert.deepEqual(await next, [["plank"]]);
  stop.abort();
  await keeping;
  assert.deepEqual(lines, ["info registered", "info registered"]);
});
