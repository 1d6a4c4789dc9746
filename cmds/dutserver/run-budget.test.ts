import assert from "node:assert/strict";
import { test } from "node:test";
import { noMetrics } from "#pkg/metrics/metrics.ts";
import { RunBudget } from "./run-budget.ts";

function open() {
  const hits: string[] = [];
  const metrics = { ...noMetrics, limitHit: (limit: string) => void hits.push(limit) };
  const budget = new RunBudget({ perUser: 2, perAgent: 3, total: 4 }, metrics);
  const take = (user: string | undefined, agent: string | undefined, again = false) =>
    budget.take({ user, agent, again });
  return { hits, take };
}

test("a user, an agent and the server have their most runs, each with a sentence and counted", () => {
  const { hits, take } = open();
  take("alice@h", "one");
  take("alice@h", "one");
  assert.throws(() => take("alice@h", "two"), {
    code: "resource_exhausted",
    message: '"alice@h" has 2 runs here, which is all that a user may have',
    hint: "wait for one of them to end",
  });
  take("bob@h", "one");
  assert.throws(() => take("bob@h", "one"), {
    message: 'dutagent "one" has 3 runs, which is all that one may have',
  });
  take("bob@h", "two");
  assert.throws(() => take("carol@h", "two"), { message: "dutserver forwards 4 runs, which is all that it may" });
  assert.deepEqual(hits, ["runs_per_user", "runs_per_agent", "runs_total"]);
});

test("a run that has ended makes room for one", () => {
  const { take } = open();
  const first = take("alice@h", "one");
  take("alice@h", "one");
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  take("alice@h", "one");
  assert.throws(() => take("alice@h", "one"));
});

test("who lost the connection to a run gets back to it whatever else runs, and it counts", () => {
  const { take } = open();
  take("alice@h", "one");
  take("alice@h", "one");
  const again = take("alice@h", "one", true);
  assert.throws(() => take("bob@h", "one"), { message: /^dutagent "one" has 3 runs/ });
  again[Symbol.dispose]();
  take("bob@h", "one");
});

test("a run that another server passes on counts for its agent alone, and one whose agent is elsewhere for its user", () => {
  const { hits, take } = open();
  const passedOn = ["one", "one", "one", "two", "two"].map((agent) => take(undefined, agent));
  assert.throws(() => take(undefined, "one"), { message: /^dutagent "one" has 3 runs/ });
  take("alice@h", undefined);
  take("alice@h", undefined);
  assert.throws(() => take("alice@h", undefined), { message: /^"alice@h" has 2 runs here/ });
  take("bob@h", undefined);
  take("bob@h", undefined);
  assert.throws(() => take("carol@h", undefined), { message: /^dutserver forwards 4 runs/ });
  for (const run of passedOn) {
    run[Symbol.dispose]();
  }
  take(undefined, "one");
  assert.deepEqual(hits, ["runs_per_agent", "runs_per_user", "runs_total"]);
});
