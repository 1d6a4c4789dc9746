import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTour } from "./parse-tour.ts";
import { Printed } from "./printed.ts";

const text = `# Title
## A tour

    not code

\`\`\`sh
make machines   # what a reader is told
\`\`\`

\`\`\`yaml
# bench: dutctl.yaml
devices: {}
\`\`\`

\`\`\`console
lab$ for it in one two; do
>   say $it
> done
one
…
lab$ serve
ready
…
lab-*$ true
laptop$ watch
…
gone
^C
\`\`\`

\`\`\`console
…
more
\`\`\`

## Another
`;

test("a tour is files, lines of machines with what they print, and what is done to the machines", () => {
  assert.deepEqual(parseTour(text, "A tour"), [
    { kind: "done", line: "make machines" },
    { kind: "written", machine: "bench", path: "dutctl.yaml", text: "# bench: dutctl.yaml\ndevices: {}\n" },
    {
      ...{ kind: "typed", machine: "lab", line: "for it in one two; do\n  say $it\ndone" },
      ...{ output: ["one", "…"], ending: "ends" },
    },
    { kind: "typed", machine: "lab", line: "serve", output: ["ready"], ending: "goes on" },
    { kind: "typed", machine: "lab-*", line: "true", output: [], ending: "ends" },
    { kind: "typed", machine: "laptop", line: "watch", output: ["…", "gone"], ending: "interrupted" },
    { kind: "looked", output: ["…", "more"], ending: "ends" },
  ]);
  assert.throws(() => parseTour(text, "No tour"), /there is no section "No tour"/);
});

test("times, left out text and spaces are any, and nothing else is", () => {
  const printed = new Printed();
  const shown = ["…", "10:01  camera free since 2026-11-28 (…)"];
  const matches = (text: string, whole = true) => printed.match(shown, text, whole) !== undefined;
  assert.deepEqual(
    [
      matches("a\nb\n23:59 camera free since 2031-01-01 (why not)\n"),
      matches("23:59 camera busy since 2031-01-01 (why not)\n"),
      matches("23:59 camera free since 2031-01-01 ()\nmore\n"),
      matches("23:59 camera free since 2031-01-01 ()\nmore\n", false),
    ],
    [true, false, false, true],
  );
});

test("a fingerprint is any the first time, and then the same", () => {
  const [shown, first, second] = ["AB", "01", "02"].map((byte) => Array(32).fill(byte).join(":")) as [
    string,
    string,
    string,
  ];
  const printed = new Printed();
  assert.deepEqual(
    [`${first}\n`, `${second}\n`, `${first}\n`].map((text) => printed.match([shown], text, true)),
    [96, undefined, 96],
  );
});
