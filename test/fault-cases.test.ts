import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..");
const suite = "test/faults";

/** The cases of our list of threats that these programs are to be held to. */
const cases = [
  ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "A12"],
  ["B1", "B2", "B4", "B5", "B6", "B7", "B8", "B9"],
  ["C1", "C3", "C4", "C5", "C6", "C9"],
  ["D3", "D4", "D6", "D7"],
  ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12", "E13"],
  ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F12"],
  ["G1", "G2", "G12"],
  ["H1", "H2", "H3", "H8"],
  ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I10", "I11"],
].flat();

/** What can happen to any module that uses tools or hardware. */
const benchFaults = [
  "a child ignores SIGTERM",
  "a tool, or what it talks to, hangs",
  "a tool is missing",
  "a device is unplugged in mid-run",
  "a disk of the agent is full",
  "a gigabyte of output",
];

interface Proof {
  readonly id: string;
  readonly file: string;
  readonly name: string;
}

/** What the tables of the suite say proves a case. */
async function documentedProofs(): Promise<readonly Proof[]> {
  const text = await readFile(join(root, suite, "README.md"), "utf8");
  return Array.from(text.matchAll(/^\| ([^|]+) \| [^|]+ \| (`[^|]+) \|$/gm)).flatMap(([, id = "", tests = ""]) =>
    tests.split("<br>").map((proof) => {
      const [, file = "", name = ""] = /^`([^`]+)`: (.+)$/.exec(proof.trim()) ?? [];
      return { id, file: file.includes("/") ? file : `${suite}/${file}`, name };
    }),
  );
}

/** The names of the tests in a file as expressions: what is computed may be anything. */
async function testNames(file: string): Promise<readonly RegExp[]> {
  const text = await readFile(join(root, file), "utf8");
  return Array.from(
    text.matchAll(/^ *test\(\s*(?:"((?:[^"\\]|\\.)+)"|`([^`]+)`)/gm),
    ([, plain, template = ""]) =>
      new RegExp(
        `^${(plain ?? template)
          .split(/\$\{[^}]+\}/)
          .map(RegExp.escape)
          .join(".+")}$`,
      ),
  );
}

test(`the tables of ${suite} have every case and fault of the bench, and a test for each under the name that it gives`, async () => {
  const proofs = await documentedProofs();
  const missing = [];
  for (const { id, file, name } of proofs) {
    if (!(await testNames(file)).some((pattern) => pattern.test(name))) {
      missing.push(`${id}: ${file} has no test "${name}"`);
    }
  }
  const found = [...new Set(proofs.map(({ id }) => id))].filter((id) => id !== "–");
  assert.deepEqual([missing, found], [[], [...cases, ...benchFaults]]);
});

test(`every test of ${suite} is in its tables`, async () => {
  const proofs = await documentedProofs();
  const files = (await readdir(join(root, suite))).filter((name) => name.endsWith(".test.ts"));
  const unlisted = [];
  for (const file of files.map((name) => `${suite}/${name}`)) {
    const names = proofs.filter((proof) => proof.file === file).map(({ name }) => name);
    for (const pattern of await testNames(file)) {
      if (!names.some((name) => pattern.test(name))) {
        unlisted.push(`${file}: ${pattern.source}`);
      }
    }
  }
  assert.deepEqual(unlisted, []);
});
