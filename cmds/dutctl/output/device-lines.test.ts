import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { devices, render, testGolden } from "../test/rendered.ts";
import * as rows from "../test/rows.ts";
import type { Content } from "./content.ts";
import { watchTable } from "./watch-table.ts";

testGolden("text", [
  [
    "text shows the long list as a table without columns that are empty",
    [rows.table, { type: "device-table", data: [rows.free] }],
    `DEVICE       STATE    HOLDER   SINCE  UNTIL  COMMAND  LABELS           DESCRIPTION
board-1      free                                     rack=2 soc=imx8  the spare one
board-2      busy     alice@h  10:20  10:57  flash                     the spare one
évil\\x1b[2J  offline           09:58                  rack=2 soc=imx8  (its agent is gone)
DEVICE   STATE  LABELS           DESCRIPTION
board-1  free   rack=2 soc=imx8  the spare one
`,
  ],
  [
    "text describes a device with its commands, and says why one cannot be run",
    [rows.detail],
    `board-2
  description: the spare one
  state: busy
  locked by: "alice@h" since 10:02, until 10:57
  in use by: "alice@h" since 10:20: flash (run r1)
  commands:
    flash <image>  writes an image (flash, gpio-switch)
      <image>  what to write
    console [args...] (serial)
      disabled: no /dev/ttyUSB0
`,
  ],
  [
    "text tells every change in a line where it is not drawn",
    [rows.snapshot, rows.changed, rows.removed],
    `10:27:23 board-1 free
10:27:23 board-2 busy by "alice@h" running flash, locked by "alice@h"
10:27:23 board-2 busy by "alice@h" running flash, locked by "alice@h"
10:27:23 board-2 removed
`,
  ],
  [
    "text lists runs with what became of them",
    [rows.runs],
    `RUN  DEVICE   COMMAND      OWNER    SINCE             STATE
r1   board-2  flash a.img  alice@h  10:20             running without its client for another 37s
r0   board-2  flash a.img  alice@h  2026-11-19 09:00  ended (exit status 3): flashing failed
`,
  ],
  [
    "text shows notices, and nothing of progress and the end",
    [rows.notice, rows.progress, rows.end],
    "alice@h took the device\n",
  ],
]);

testGolden("oneline", [
  [
    "oneline has a line for each of our own words",
    [
      rows.table,
      rows.detail,
      rows.snapshot,
      rows.changed,
      rows.removed,
      rows.runs,
      rows.notice,
      rows.progress,
      rows.end,
    ],
    `2026-11-20T10:27:23Z,device-table,INFO,board-1|board-2=in-use:alice@h|évil\\x1b[2J=offline
2026-11-20T10:27:23Z,device-detail,INFO,board-2=in-use:alice@h|flash|console
2026-11-20T10:27:23Z,device-event,INFO,board-1|board-2=in-use:alice@h
2026-11-20T10:27:23Z,device-event,INFO,board-2=in-use:alice@h
2026-11-20T10:27:23Z,device-event,INFO,board-2=removed
2026-11-20T10:27:23Z,run-list,INFO,r1=running:board-2/flash:alice@h|r0=aborted:board-2/flash:alice@h
2026-11-20T10:27:23Z,notice,INFO,"alice@h took the device"
`,
  ],
]);

test("json and yaml say the same of our own words", async () => {
  const strange: Content = { type: "device-table", data: [{ ...rows.free, labels: { "a: b\n": "#c", "": "null" } }] };
  for (const content of [
    rows.table,
    rows.detail,
    rows.snapshot,
    rows.changed,
    rows.removed,
    rows.runs,
    rows.notice,
    strange,
  ]) {
    assert.deepEqual(parse(await render("yaml", [content])), JSON.parse(await render("json", [content])));
  }
  assert.deepEqual(await Promise.all([render("json", [rows.progress, rows.end]), render("yaml", [rows.end])]), [
    "",
    "",
  ]);
});

test("on a terminal the short list tells since when and until when, in a pipe it does not", async () => {
  const data = [
    { name: "dev1", lock: { owner: "alice@h", lockedAt: 1795168920, expiresAt: 1795171943 } },
    { name: "dev2", lock: { owner: "bob@h", lockedAt: 1795084200, expiresAt: 0 } },
  ];
  const stdout = { colour: false, isTerminal: true };
  assert.deepEqual(
    [
      await render("text", [{ ...devices, data } as Content], { stdout }),
      await render("text", [{ ...devices, data } as Content]),
    ],
    [
      '- dev1 [locked by "alice@h" for 25m] since 10:02, until 10:52\n- dev2 [in use by "bob@h"] since 2026-11-19 10:30\n',
      '- dev1 [locked by "alice@h" for 25m]\n- dev2 [in use by "bob@h"]\n',
    ],
  );
});

test("a table that is drawn fits into its terminal", () => {
  const many = Array.from({ length: 50 }, (_, at) => ({ ...rows.free, name: `board-${at}` }));
  const event = { devices: many, change: { kind: "snapshot" } as const };
  const lines = watchTable(event, new Date("2026-11-20T10:27:23Z"), { rows: 5, columns: 30 });
  assert.deepEqual(lines, [
    "DEVICE    STATE  LABELS     …",
    "board-0   free   rack=2 soc=…",
    "board-1   free   rack=2 soc=…",
    "… and 48 more devices",
  ]);
});
