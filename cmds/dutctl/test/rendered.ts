import assert from "node:assert/strict";
import { test } from "node:test";
import type { Format } from "../options.ts";
import type { Content, RenderOptions } from "../output/content.ts";
import { openOutput } from "../output/output.ts";
import type { Outlet } from "../world.ts";

process.env.TZ = "UTC";

export const metadata = { server: "127.0.0.1:21024", msg: "List Response" };
export const lock = { owner: "alice@h", expiresAt: 1795171943 };

/** What the contents leave on both streams, written at half past ten in Greenwich. */
export async function render(
  format: Format,
  contents: readonly Content[],
  options: Partial<RenderOptions> = {},
): Promise<string> {
  const written: Buffer[] = [];
  const outlet: Outlet = {
    isTerminal: false,
    async write(data) {
      written.push(Buffer.from(data));
    },
  };
  const plain = { colour: false, isTerminal: false };
  const now = () => new Date("2026-11-20T10:27:23Z");
  const out = await openOutput(
    format,
    { stdout: outlet, stderr: outlet },
    { verbose: false, stdout: plain, stderr: plain, now, ...options },
  );
  for (const content of contents) {
    await out.write(content);
  }
  return Buffer.concat(written).toString();
}

export const devices: Content = {
  type: "device-list",
  data: [
    { name: "dev 2", lock: undefined },
    { name: "dev1", lock },
    { name: "dev3", lock: { owner: 'b"o', expiresAt: 0 } },
  ],
  metadata,
};
export const commands: Content = {
  type: "command-list",
  data: ["chain", "down", "ft"],
  metadata: { ...metadata, msg: "Commands Response", device: "dev1" },
};
export const locked: Content = { type: "lock-result", data: { name: "dev1", lock } };
export const unlocked: Content = { type: "lock-result", data: { name: "dev1", lock: undefined } };
export const sent: Content = { type: "file-transfer", data: { direction: "sent", path: "in.txt", bytes: 6 } };
export const printed: Content = { type: "module-output", data: Buffer.from("Hello from dummy status module\n") };
export const binary: Content = { type: "module-output", data: Buffer.from([0xff, 0x00, 0x3c, 0x26, 0x3e]) };
export const failed: Content = { type: "general", isError: true, data: "cannot reach dutagent at h:1 (refused)\n" };

export type Golden = readonly [title: string, contents: readonly Content[], text: string, verbose?: true];

/** One test for every golden text of a format. */
export function testGolden(format: Format, cases: readonly Golden[]): void {
  for (const [title, contents, text, verbose] of cases) {
    test(title, async () => {
      assert.equal(await render(format, contents, { verbose: verbose === true }), text);
    });
  }
}
