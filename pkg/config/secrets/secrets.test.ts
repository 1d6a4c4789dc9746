import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { createLog } from "#pkg/log/create-log.ts";
import { defineModule } from "#pkg/modules/module.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import { memoryHost } from "#test/support/memory-host.ts";
import { recordedCall } from "#test/support/recorded-call.ts";
import { parseConfig } from "../parse-config.ts";
import { Mask } from "./mask.ts";
import { ProcessSecrets } from "./secret-source.ts";

const canary = 'can"ary\\ 1';

/** A module that gives its password away on every way that leads out of it, and then fails in one of several ways. */
const gossip = defineModule({
  name: "gossip",
  summary: "",
  config: z.strictObject({ password: z.string(), fails: z.string().default("") }),
  help: ({ password }) => `logs in with ${password}`,
  async open({ password, fails }, { log }) {
    log.with({ bound: password }).info(`opened with ${password}`, { password, deep: [{ password }, 7] });
    if (fails === "open") {
      throw new DutError("unavailable", `no ${password}`, { hint: `try ${JSON.stringify(password)}` });
    }
    return {
      async run(call) {
        call.log.debug("run", { err: new Error(password) });
        await call.session.print(password);
        if (fails === "exit") {
          throw new RemoteExit(3, `failed ${password}`);
        }
        throw fails === "cause" ? new Error("failed", { cause: new Error(password) }) : new Error("no secret");
      },
      [Symbol.asyncDispose]: () => Promise.reject(new Error(password)),
    };
  },
});

async function told(fails: string) {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", destination: { write: (line) => lines.push(line) } });
  const config = parseConfig(
    "f",
    `devices: {d: {cmds: {c: {uses: [{module: gossip, with: {password: "\${env:PW}", fails: "${fails}"}}]}}}}`,
    [gossip],
    { secrets: new ProcessSecrets({ PW: canary }, ".") },
  );
  const module = config.devices.get("d")?.commands.get("c")?.uses[0]?.module;
  assert.ok(module !== undefined);
  const { call, transcript } = recordedCall([]);
  const errors: unknown[] = [];
  const keep = (error: unknown) => void errors.push(error);
  const open = await module.open({ host: memoryHost({}), log, signal: call.signal }).catch(keep);
  await open?.run({ ...call, log }).catch(keep);
  await Promise.resolve(open?.[Symbol.asyncDispose]()).catch(keep);
  return { help: module.help, lines, transcript, errors };
}

test("help, errors and log lines of a module hide its secrets, and what it prints is its own", async () => {
  for (const fails of ["", "open", "exit", "cause"]) {
    const { help, lines, transcript, errors } = await told(fails);
    assert.equal(help, "logs in with ***");
    const texts = [
      ...lines,
      ...errors.map((error) => `${explain(error)} ${(error as Error).stack} ${(error as Error).cause}`),
    ];
    assert.deepEqual(
      texts.filter((text) => text.includes("ary")),
      [],
    );
    assert.deepEqual(transcript, fails === "open" ? [] : [{ print: canary }]);
  }
});

test("an error keeps what it is, and one without secrets stays itself", async () => {
  const [open] = (await told("open")).errors;
  assert.ok(open instanceof DutError);
  assert.deepEqual([open.code, explain(open)], ["unavailable", 'no *** (try "***")']);
  const [exit] = (await told("exit")).errors;
  assert.ok(exit instanceof RemoteExit);
  assert.deepEqual([exit.status, exit.message], [3, "failed ***"]);
  assert.equal(((await told("")).errors[0] as Error).stack?.includes("secrets.test.ts"), true);
});

test("a secret is found quoted, escaped, encoded, and by each of its lines", () => {
  const mask = new Mask(["a b\nlonger line", 'pa"ss', "p w!", ""]);
  assert.deepEqual(
    [
      "x a b\nlonger line",
      "y longer line",
      'p="pa\\"ss"',
      "u:pa%22ss@h",
      "/cm?password=p+w%21&cmnd=Power",
      Buffer.from('pa"ss').toString("base64"),
      "a b",
      "",
    ].map((text) => mask.text(text)),
    ["x ***", "y ***", 'p="***"', "u:***@h", "/cm?password=***&cmnd=Power", "***", "a b", ""],
  );
});

test("a variable that is a secret is gone from the environment and known when asked again, a public one stays", () => {
  const environment = { PW: "hunter2", HOME: "/home/x" };
  const secrets = new ProcessSecrets(environment, ".");
  assert.deepEqual(
    [1, 2].map(() => [secrets.environment("PW"), secrets.environment("HOME")]),
    [
      ["hunter2", "/home/x"],
      ["hunter2", "/home/x"],
    ],
  );
  assert.deepEqual(environment, { HOME: "/home/x" });
});

test("a file is read beside the configuration, without its last newline, and must be a text of a bounded size", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "secrets-"));
  await writeFile(join(folder.path, "text"), "two\nlines\r\n");
  await writeFile(join(folder.path, "bytes"), Buffer.from([0xff, 0xfe]));
  await writeFile(join(folder.path, "large"), "x".repeat(70_000));
  const secrets = new ProcessSecrets({}, folder.path);
  const outcome = (name: string) => {
    try {
      return secrets.file(name);
    } catch (error) {
      return explain(error);
    }
  };
  assert.deepEqual(["text", "bytes", "large", "none", "."].map(outcome), [
    "two\nlines",
    '"bytes" is not UTF-8 text',
    '"large" is larger than 65536 bytes',
    'cannot read "none": no such file or directory',
    '"." is not a regular file',
  ]);
});

test("the same file with another secret is another configuration, and with another comment it is not", () => {
  const print = (text: string, value: string) =>
    parseConfig("f", text, [gossip], { secrets: new ProcessSecrets({ PW: value }, ".") }).devices.get("d")?.fingerprint;
  const text = `devices: {d: {cmds: {c: {uses: [{module: gossip, with: {password: "\${env:PW}"}}]}}}}`;
  assert.equal(print(text, "a"), print(`# comment\n${text}`, "a"));
  assert.notEqual(print(text, "a"), print(text, "b"));
});
