import assert from "node:assert/strict";
import { test } from "node:test";
import { DutError } from "#pkg/errors/dut-error.ts";
import { createLog } from "./create-log.ts";

const noon = new Date(2026, 0, 2, 15, 4, 5, 678);

type Options = Partial<Parameters<typeof createLog>[0]>;

function recordedLog(options: Options = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "text",
    colour: false,
    now: () => noon,
    destination: { write: (line) => lines.push(line) },
    ...options,
  });
  return { log, lines };
}

test("a text line has the time, the padded level, the scope, the message and the fields in order", () => {
  const { log, lines } = recordedLog({ scope: "agent" });
  log.info("loading configuration", { path: "dutctl.yaml", devices: 2, strict: true });
  log.warn("slow");
  log.error("module failed", { err: new DutError("internal", "it broke", { hint: "mend it" }) });
  log.debug("nothing here");
  assert.deepEqual(lines, [
    "2026/01/02 15:04:05 INFO  [agent] loading configuration path=dutctl.yaml devices=2 strict=true\n",
    "2026/01/02 15:04:05 WARN  [agent] slow\n",
    '2026/01/02 15:04:05 ERROR [agent] module failed err="it broke"\n',
    "2026/01/02 15:04:05 DEBUG [agent] nothing here\n",
  ]);
});

test("a value is quoted as Go does when it is empty or holds a blank, a control character, = or a quotation mark", () => {
  const { log, lines } = recordedLog();
  log.info("100%d %% %s");
  log.info("values", { none: "", blank: "a b", tab: "a\tb", sign: "a=b", mark: 'a"b', word: "grün/1:2-[x]" });
  assert.deepEqual(lines, [
    "2026/01/02 15:04:05 INFO  100%d %% %s\n",
    '2026/01/02 15:04:05 INFO  values none="" blank="a b" tab="a\\tb" sign="a=b" mark="a\\"b" word=grün/1:2-[x]\n',
  ]);
});

test("nested objects are flattened with dots, lists stand in brackets, what is undefined is left out", () => {
  const { log, lines } = recordedLog();
  const own: Record<string, unknown> = {};
  own.own = own;
  log.info("run", { user: { name: "eva", keys: [1, 2], at: noon }, gone: undefined, nil: null, big: 2n ** 64n });
  log.info("loop", own);
  assert.deepEqual(lines, [
    `2026/01/02 15:04:05 INFO  run user.name=eva user.keys="[1 2]" user.at=${noon.toISOString()} nil=null big=18446744073709551616\n`,
    "2026/01/02 15:04:05 INFO  loop own.own.own.own.own=…\n",
  ]);
});

test("fields stay on a derived log, and its scope replaces the former one", () => {
  const { log, lines } = recordedLog({ scope: "agent" });
  const derived = log.with({ device: "board", command: "power" }).with({ scope: "module", command: "flash" });
  derived.info("running", { module: "uml" });
  log.info("untouched");
  assert.deepEqual(lines, [
    "2026/01/02 15:04:05 INFO  [module] running device=board command=flash module=uml\n",
    "2026/01/02 15:04:05 INFO  [agent] untouched\n",
  ]);
});

test("records below the level are dropped", () => {
  const { log, lines } = recordedLog({ level: "warn" });
  log.debug("a");
  log.info("b");
  log.with({ x: 1 }).warn("c");
  log.error("d");
  assert.deepEqual(lines, ["2026/01/02 15:04:05 WARN  c x=1\n", "2026/01/02 15:04:05 ERROR d\n"]);
});

test("one record is one line that cannot steer a terminal, whatever the message, the scope, the names and the values hold", () => {
  const evil = 'x\n2026/01/02 15:04:05 ERROR forged\r\u001b[2J\u009b2J\u2028\u202e"=';
  const escaped = 'x\\n2026/01/02 15:04:05 ERROR forged\\r\\x1b[2J\\u009b2J\\u2028\\u202e\\"=';
  const plain = escaped.replace('\\"', '"');
  const { log, lines } = recordedLog({ scope: evil });
  log.info(evil, { [evil]: evil, list: [evil], err: new Error(evil) });
  assert.deepEqual(lines, [
    `2026/01/02 15:04:05 INFO  [${plain}] ${plain} "${escaped}"="${escaped}" list="[${escaped}]" err="${escaped}"\n`,
  ]);
});

test("with colour the time is gray, errors red, warnings yellow, debug gray and the rest plain", () => {
  const { log, lines } = recordedLog({ colour: true });
  log.error("a");
  log.warn("b");
  log.info("c");
  log.debug("d");
  const time = "\u001b[90m2026/01/02 15:04:05\u001b[39m";
  assert.deepEqual(lines, [
    `${time} \u001b[31mERROR a\u001b[39m\n`,
    `${time} \u001b[33mWARN  b\u001b[39m\n`,
    `${time} INFO  c\n`,
    `${time} \u001b[90mDEBUG d\u001b[39m\n`,
  ]);
});

test("a JSON line has time, level, msg, scope and the fields, and no field can stand for one of these", () => {
  const { log, lines } = recordedLog({ format: "json", scope: "rpc", level: "info" });
  log.error("bad\nthing", { err: new Error("a\nb"), user: { name: "eva" }, level: "on", time: 1, msg: "x" });
  log.debug("dropped");
  assert.deepEqual(
    lines.map((line) => [line.indexOf("\n") === line.length - 1, JSON.parse(line)]),
    [
      [
        true,
        {
          time: noon.toISOString(),
          level: "ERROR",
          msg: "bad\nthing",
          scope: "rpc",
          err: "a\nb",
          user: { name: "eva" },
          level_: "on",
          time_: 1,
          msg_: "x",
        },
      ],
    ],
  );
});
