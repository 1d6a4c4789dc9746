import assert from "node:assert/strict";
import { test } from "node:test";
import { binary, commands, devices, failed, locked, printed, render, sent } from "../test/rendered.ts";
import * as rows from "../test/rows.ts";
import type { Content } from "./content.ts";

const everything: readonly Content[] = [
  ...[devices, commands, locked, sent, printed, binary, failed],
  ...[rows.table, rows.detail, rows.snapshot, rows.changed, rows.removed, rows.runs, rows.notice, rows.progress, rows.end],
  { type: "command-detail", data: "what it does\n" },
  { type: "version", data: "1.0\n" },
  { type: "context-list", data: [{ name: "lab", current: true, settings: { server: "lab:1024" } }] },
]; // biome-ignore format: a list

type Line = Readonly<Record<string, unknown>>;

async function linesOf(contents: readonly Content[]): Promise<Line[]> {
  const text = await render("jsonl", contents);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const empty = { device: null, command: null, run: null, stream: null, encoding: null };
const time = "2026-11-20T10:27:23.000Z";

test("every line of jsonl is an object with the same keys, whatever is said", async () => {
  const keys = ["time", "type", "error", "device", "command", "run", "stream", "encoding", "data"];
  const lines = await linesOf(everything);
  assert.deepEqual(
    lines.filter((line) => JSON.stringify(Object.keys(line)) !== JSON.stringify(keys)),
    [],
  );
  assert.deepEqual(
    [...new Set(lines.map(({ type }) => type))],
    ["device", "command", "file", "output", "error", "device-removed", "run", "notice", "progress", "end", "help", "version", "context"], // biome-ignore format: one look
  );
});

test("things of one type have the same keys, whichever protocol told them", async () => {
  const lines = await linesOf(everything);
  const shapes = Map.groupBy(lines, ({ type }) => String(type));
  const several = [...shapes].filter(([, ofType]) => {
    const keys = ofType.map(({ data }) =>
      typeof data === "object" && data !== null ? Object.keys(data).join() : typeof data,
    );
    return new Set(keys).size > 1;
  });
  assert.deepEqual(several, []);
});

test("jsonl tells what belongs to a run with its device, command and run, output as text or as base64", async () => {
  const metadata = { server: "h:1", msg: "Run Response", device: "dev1", command: "status", args: "a" };
  const run = { metadata, runId: "r1" };
  assert.deepEqual(
    await linesOf([
      { ...printed, ...run },
      { ...binary, ...run, isError: true },
      { ...rows.end, ...run },
    ]),
    [
      {
        ...{ time, type: "output", error: false, device: "dev1", command: "status", run: "r1" },
        ...{ stream: "stdout", encoding: "utf-8", data: "Hello from dummy status module\n" },
      },
      {
        ...{ time, type: "output", error: true, device: "dev1", command: "status", run: "r1" },
        ...{ stream: "stderr", encoding: "base64", data: "/wA8Jj4=" },
      },
      {
        ...{
          time,
          type: "end",
          error: false,
          device: "dev1",
          command: "status",
          run: "r1",
          stream: null,
          encoding: null,
        },
        data: { exitStatus: null, code: "ok", message: "", hint: null },
      },
    ],
  );
});

test("jsonl tells runs of a list with what they belong to", async () => {
  assert.deepEqual(
    (await linesOf([rows.runs])).map(({ device, command, run }) => ({ device, command, run })),
    [
      { device: "board-2", command: "flash", run: "r1" },
      { device: "board-2", command: "flash", run: "r0" },
    ],
  );
});

test("jsonl tells a device of the first protocol with what that one knows", async () => {
  const data = { name: "dev1", state: "locked", description: null, labels: null, reason: null, offlineSince: null };
  assert.deepEqual(await linesOf([locked]), [
    {
      ...{ time, type: "device", error: false, ...empty, device: "dev1" },
      data: { ...data, lock: { owner: "alice@h", since: null, until: "2026-11-20T10:52:23.000Z" }, hold: null },
    },
  ]);
});

test("jsonl tells an error with its hint", async () => {
  assert.deepEqual(await linesOf([{ ...failed, hint: "look again" } as Content]), [
    {
      ...{ time, type: "error", error: true, ...empty },
      data: { message: "cannot reach dutagent at h:1 (refused)", hint: "look again" },
    },
  ]);
});

test("everything of jsonl goes to stdout, in the order it happened", async () => {
  const written: string[] = [];
  const outlet = (name: string) => ({
    isTerminal: false,
    async write() {
      written.push(name);
    },
  });
  const { openOutput } = await import("./output.ts");
  const plain = { colour: false, isTerminal: false };
  const options = { verbose: false, stdout: plain, stderr: plain, now: () => new Date() };
  const out = await openOutput("jsonl", { stdout: outlet("stdout"), stderr: outlet("stderr") }, options);
  for (const content of [printed, failed, rows.notice, rows.progress]) {
    await out.write(content);
  }
  assert.deepEqual(written, ["stdout", "stdout", "stdout", "stdout"]);
});
