import { join } from "node:path";
import type { Daemon, Lab } from "#test/support/lab.ts";

const root = join(import.meta.dirname, "../..");

/** What buf adds to the code of an error, which is its exit status divided by eight (buf curl --help). */
const perCode = 8;
const codes = { invalid_argument: 3, not_found: 5, already_exists: 6, aborted: 10 };

/** A call as `package.Service/Method` with its messages, in JSON. */
export type Words = readonly [method: string, ...requests: object[]];

export const bufProtocols = ["grpc", "grpcweb", "connect"] as const;

/** Calls by a Go client that is not ours. It ends its half of a stream when it has sent everything. */
export async function bufCurl(lab: Lab, protocol: string, { address }: Daemon, [method, ...requests]: Words) {
  const child = lab.startWords([
    ...[join(root, "node_modules/.bin/buf"), "curl", "--protocol", protocol, "--http2-prior-knowledge"],
    ...["--schema", join(root, "pkg/protocol/proto"), "--data", "@-", "-H", "From: tester"],
    `http://${address}/${method}`,
  ]);
  child.process.stdin.end(requests.map((request) => JSON.stringify(request)).join("\n"));
  const { code, stdout, stderr } = await child.ended;
  const answers: object[] = JSON.parse(`[${stdout.trim().replaceAll(/\n\}\n\{/g, "\n},\n{")}]`);
  return { status: code, answers, error: stderr === "" ? undefined : JSON.parse(stderr) };
}

export const base64 = (text: string) => Buffer.from(text).toString("base64");

/** The outcome of a call that succeeds. */
export const fine = (...answers: object[]) => ({ status: 0, answers, error: undefined });

/** The outcome of a call that fails after some answers. */
export const failed = (code: keyof typeof codes, message: string, ...answers: object[]) => ({
  status: codes[code] * perCode,
  answers,
  error: { code, message },
});
