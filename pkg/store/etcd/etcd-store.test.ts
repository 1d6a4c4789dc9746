import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { explain } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { testAuthority } from "#test/support/certificates.ts";
import { Etcd, etcdIsMissing } from "#test/support/etcd.ts";
import { storeContract } from "#test/support/store-contract.ts";
import { openTcpProxy } from "#test/support/tcp-proxy.ts";
import { openStore } from "../open-store.ts";
import type { Store, StoreEvent } from "../store.ts";
import { parseStoreSpec } from "../store-spec.ts";

const skip = etcdIsMissing;

let shared: Etcd | undefined;
let labs = 0;

before(async () => {
  shared = skip === undefined ? await Etcd.start() : undefined;
});

after(() => shared?.[Symbol.asyncDispose]());

/** A lab of its own in the etcd that the tests share. */
function newLab(): string {
  labs += 1;
  return `etcd://${shared?.addresses}/lab${labs}`;
}

const open = (spec: string, env = {}) => openStore(parseStoreSpec(spec), { log: silentLog, env });

/** Resolves when the store is of that health. */
async function health(store: Store, kind: "ok" | "degraded"): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _ = store.onHealth((now) => void (now.kind === kind && resolve()));
  if (store.health.kind !== kind) {
    await promise;
  }
}

/** Takes events until one is of the key; answers what they told of it and others, in short. */
async function until(events: AsyncIterator<StoreEvent>, key: string): Promise<readonly string[]> {
  const told: string[] = [];
  while (told.at(-1)?.includes(key) !== true) {
    const { value, done } = await events.next();
    assert.ok(done !== true, "the watch ended");
    const event: StoreEvent = value;
    told.push(
      event.kind === "snapshot"
        ? `all: ${event.entries.map((entry) => entry.key).join(" ")}`
        : event.kind === "put"
          ? `${event.entry.key}=${event.entry.value}`
          : `-${event.key}`,
    );
  }
  return told;
}

storeContract("etcd", skip, async () => {
  const spec = newLab();
  return { open: () => open(spec), spec, async [Symbol.asyncDispose]() {} };
});

test("a list of thousands comes whole and in order, and a lab does not see the keys of another", { skip }, async () => {
  const spec = newLab();
  await using store = await open(spec);
  await using longer = await open(`${spec}x`);
  const keys = Array.from({ length: 2_500 }, (_, index) => `device/${String(index).padStart(5, "0")}`);
  // Thousands of calls at once would have to be answered within the time of one.
  for (let from = 0; from < keys.length; from += 100) {
    await store.change(keys.slice(from, from + 100).map((key) => ({ kind: "put", key, value: key })));
  }
  await longer.put("device/other", "");
  assert.deepEqual(
    (await store.list("device/")).map(({ key, value }) => [key, value]),
    keys.map((key) => [key, key]),
  );
  assert.deepEqual(
    (await longer.list("")).map(({ key }) => key),
    ["device/other"],
  );
});

test("an etcd that is not there is named with all its addresses", { skip }, async () => {
  await assert.rejects(open("etcd://127.0.0.1:1,[::1]:1"), {
    code: "unavailable",
    message: /^etcd at 127\.0\.0\.1:1, \[::1\]:1 does not answer: /,
  });
});

test("calls fail while etcd is down, a watch goes on when it is back, and health says so meanwhile", {
  skip,
}, async () => {
  await using etcd = await Etcd.start();
  await using store = await open(`etcd://${etcd.addresses}`);
  const end = new AbortController();
  const events = store.watch("", end.signal)[Symbol.asyncIterator]();
  await store.put("before", "1");
  await until(events, "before");
  await etcd.kill();
  await assert.rejects(store.get("before"), { code: "unavailable" });
  await health(store, "degraded");
  await etcd.run();
  await health(store, "ok");
  await store.put("after", "2");
  assert.deepEqual(await until(events, "after"), ["after=2"]);
  end.abort();
});

test("a watch misses nothing that happens while its connection is cut, again and again", { skip }, async () => {
  await using proxy = await openTcpProxy(String(shared?.addresses));
  const spec = newLab();
  await using near = await open(spec);
  await using far = await open(spec.replace(String(shared?.addresses), proxy.address));
  const end = new AbortController();
  const events = far.watch("", end.signal)[Symbol.asyncIterator]();
  await events.next();
  const told: string[] = [];
  const put: string[] = [];
  for (let round = 0; round < 8; round += 1) {
    await near.put(`${round}/up`, "");
    proxy.refuse(true);
    await near.put(`${round}/down`, "");
    proxy.refuse(false);
    put.push(`${round}/up=`, `${round}/down=`);
    told.push(...(await until(events, `${round}/down`)));
  }
  assert.deepEqual(told, put);
  end.abort();
});

test("a watch whose place in the history is gone begins anew with a snapshot", { skip }, async () => {
  await using proxy = await openTcpProxy(String(shared?.addresses));
  const spec = newLab();
  await using near = await open(spec);
  await using far = await open(spec.replace(String(shared?.addresses), proxy.address));
  const end = new AbortController();
  const events = far.watch("", end.signal)[Symbol.asyncIterator]();
  await near.put("a", "1");
  await until(events, "a");
  proxy.refuse(true);
  await near.delete("a");
  const revision = await near.put("b", "1");
  await shared?.ask("/v3/kv/compaction", { revision });
  proxy.refuse(false);
  assert.deepEqual(await until(events, "b"), ["all: b"]);
  end.abort();
});

test("of three members one may die: calls, watches and leases go on with the others", { skip }, async () => {
  await using etcd = await Etcd.start(3);
  await using store = await open(`etcd://${etcd.addresses}`);
  await using lease = await store.lease(10_000);
  await store.change([{ kind: "put", key: "leased", value: "", lease }]);
  const end = new AbortController();
  const events = store.watch("", end.signal)[Symbol.asyncIterator]();
  await until(events, "leased");
  await etcd.kill(0);
  const revision = await store.get("leased");
  await health(store, "ok");
  await store.put("after", "1");
  assert.deepEqual([await until(events, "after"), lease.lost.aborted, revision?.key], [["after=1"], false, "leased"]);
  end.abort();
});

test("a lease that cannot be renewed is lost when its time is over", { skip }, async () => {
  await using etcd = await Etcd.start();
  await using store = await open(`etcd://${etcd.addresses}`);
  await using lease = await store.lease(2_000);
  await store.change([{ kind: "put", key: "leased", value: "", lease }]);
  const tooLate = AbortSignal.timeout(2_100);
  etcd.process().kill("SIGSTOP");
  await once(AbortSignal.any([lease.lost, tooLate]), "abort");
  const inTime = !tooLate.aborted;
  etcd.process().kill("SIGCONT");
  assert.ok(inTime);
  assert.match(String(lease.lost.reason), /the lease is lost: it was not renewed in time/);
  await assert.rejects(store.change([{ kind: "put", key: "late", value: "", lease }]), { code: "failed_precondition" });
});

test("a lease that is renewed outlives its time", { skip }, async () => {
  await using store = await open(newLab());
  await using lease = await store.lease(3_000);
  await store.change([{ kind: "put", key: "leased", value: "", lease }]);
  await using other = await store.lease(3_000);
  const timeout = AbortSignal.timeout(7_000);
  await once(AbortSignal.any([timeout, lease.lost, other.lost]), "abort");
  assert.deepEqual([lease.lost.aborted, (await store.get("leased"))?.key], [false, "leased"]);
});

test("the user of etcd is asked for and let in again when its token is over; a wrong password is refused", {
  skip,
}, async () => {
  await using etcd = await Etcd.start();
  for (const [path, body] of [
    ["user/add", { name: "root", password: "r" }],
    ["role/add", { name: "lab" }],
    ["role/grant", { name: "lab", perm: { permType: "READWRITE", key: btoa("/l@b/"), range_end: btoa("/l@b0") } }],
    ["user/add", { name: "al/ice", password: "pa:ss" }],
    ["user/grant", { user: "al/ice", role: "lab" }],
    ["user/grant", { user: "root", role: "root" }],
    ["enable", {}],
  ] as const) {
    await etcd.ask(`/v3/auth/${path}`, body);
  }
  await using store = await open(`etcd://al%2Fice:pa%3Ass@${etcd.addresses}/l%40b`);
  const end = new AbortController();
  const events = store.watch("", end.signal)[Symbol.asyncIterator]();
  await store.put("before", "1");
  await until(events, "before");
  // Whose password is set has no valid token any more.
  const { token } = (await etcd.ask("/v3/auth/authenticate", { name: "root", password: "r" })) as { token: string };
  await etcd.ask("/v3/auth/user/changepw", { name: "al/ice", password: "pa:ss" }, { authorization: token });
  await store.put("after", "2");
  assert.deepEqual(await until(events, "after"), ["after=2"]);
  end.abort();
  const refusals = [
    () => open(`etcd://al%2Fice@${etcd.addresses}/l%40b`),
    () => open(`etcd://al%2Fice:pa%3Ass@${etcd.addresses}/l%40b`, { DUTSERVER_ETCD_PASSWORD: "wrong" }),
    () => open(`etcd://${etcd.addresses}/l%40b`),
    () => open(`etcd://al%2Fice:pa%3Ass@${etcd.addresses}/other`),
  ];
  const codes = await Promise.all(
    refusals.map((refusal) => refusal().then(String, ({ code }: { code: string }) => code)),
  );
  assert.deepEqual(codes, ["invalid_argument", "permission_denied", "permission_denied", "permission_denied"]);
});

test("an etcd without space refuses changes and answers questions, and takes changes again when it has some", {
  skip,
}, async () => {
  await using etcd = await Etcd.start(1, { args: ["--quota-backend-bytes", `${4 * 1024 * 1024}`] });
  await using store = await open(`etcd://${etcd.addresses}`);
  await store.put("kept", "1");
  const fill = async () => {
    for (;;) {
      await store.put("large", "x".repeat(500_000));
    }
  };
  await assert.rejects(fill(), {
    code: "resource_exhausted",
    message: "nothing was changed: etcd has no space left",
  });
  assert.deepEqual([(await store.get("kept"))?.value, store.health.kind], ["1", "degraded"]);
  const { revision } = (await store.get("large")) ?? {};
  await etcd.ask("/v3/kv/compaction", { revision, physical: true });
  await etcd.ask("/v3/maintenance/defragment", {});
  const { alarms } = (await etcd.ask("/v3/maintenance/alarm", { action: "GET" })) as { alarms: readonly object[] };
  await etcd.ask("/v3/maintenance/alarm", { ...alarms[0], action: "DEACTIVATE" });
  await health(store, "ok");
  assert.ok((await store.put("kept", "2")) > Number(revision));
});

test("an etcd with TLS is told by its authority and takes a certificate of it, and others are refused with the reason", {
  skip,
}, async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "etcd-tls-"));
  const path = (name: string) => join(folder.path, name);
  const [authority, other] = [await testAuthority("lab"), await testAuthority("other")];
  const [server, client] = [
    await authority.issue("server", "etcd", { hosts: ["127.0.0.1"] }),
    await authority.issue("server", "dutserver"),
  ];
  const files = { ca: authority.own.cert, cert: server.cert, key: server.key, c: client.cert, k: client.key };
  for (const [name, content] of Object.entries({ ...files, other: other.own.cert })) {
    await writeFile(path(name), content, { mode: 0o600 });
  }
  await using etcd = await Etcd.start(1, { tls: { ca: path("ca"), cert: path("cert"), key: path("key") } });
  const own = `cert=${path("c")}&key=${path("k")}`;
  {
    await using store = await open(`etcds://${etcd.addresses}/lab?ca=${path("ca")}&${own}`);
    await store.put("a", "1");
    assert.equal((await store.get("a"))?.value, "1");
  }
  const refusals = [`?ca=${path("other")}&${own}`, `?${own}`, `?ca=${path("ca")}`, ""].map((query) =>
    open(`etcd://${etcd.addresses}/lab${query}`).then(String, (error) => [error.code, explain(error)]),
  );
  const outcomes = await Promise.all(refusals);
  assert.deepEqual(
    outcomes.map(([code = ""]) => code),
    Array(4).fill("unavailable"),
    JSON.stringify(outcomes),
  );
  assert.match(String(outcomes[0]), /certificate/);
  await assert.rejects(open(`etcds://${etcd.addresses}?ca=${path("none")}`), {
    code: "invalid_argument",
    message: `cannot read ${path("none")} (of the store): there is no such file`,
  });
});
