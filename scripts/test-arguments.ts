import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { root } from "./pinned-node.mjs";

/** A test that takes longer hangs. The longest boots boards and moves files. */
const timeoutMs = 180_000;

/** Left out unless they are named: the benchmark's need a quiet machine, the faults take minutes. */
const byName = ["test/bench/**", "test/faults/**"];

/** What Node is given to run the tests: those named in `given`, otherwise all but a few; options given replace the usual ones. */
export function testArguments(given: readonly string[]): readonly string[] {
  const options = given.filter((argument) => argument.startsWith("-"));
  const files = given.filter((argument) => !argument.startsWith("-"));
  return [
    "--test",
    `--test-concurrency=${Math.max(2, availableParallelism())}`,
    `--test-timeout=${timeoutMs}`,
    ...options,
    ...(files.length > 0 ? files : allTests()),
  ];
}

function allTests(): readonly string[] {
  return globSync("{cmds,pkg,scripts,test}/**/*.test.ts", { cwd: root, exclude: byName }).sort();
}
