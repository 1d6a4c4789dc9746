import { createHash } from "node:crypto";
import { dirname } from "node:path";
import type { Host } from "#pkg/host/host.ts";
import { type Call, defineModule } from "../module.ts";
import { bytesOf } from "../options/size-option.ts";
import { download } from "./download.ts";
import { type HttpGetOptions, httpGetOptions, pathOf } from "./options.ts";
import { parseWanted, usageOf, type Wanted } from "./parse-wanted.ts";
import { Part } from "./part.ts";
import { type Ask, openServer, refusal, shown } from "./server.ts";
import { findSum } from "./sums.ts";

/** More than the checksums of a distribution's images. */
const largestListBytes = 1024 * 1024;

/** Downloads a file to the agent, for steps that flash or write it. */
export const httpGet = defineModule({
  name: "http-get",
  summary: "download a file to the agent and compare its SHA-256",
  config: httpGetOptions,
  resources: (options) => [{ kind: "file", name: pathOf(options) }],
  help: (
    options,
  ) => `${usageOf(options)}    download ${options.url === undefined ? "the file" : shown(new URL(options.url))} to ${pathOf(options)}

A file that is there already with the right SHA-256 is ${options.cache ? "left as it is" : "downloaded anew"}.
`,
  async open(options, { host }) {
    return {
      async run(call) {
        await get(parseWanted(call.args, options), options, host, call);
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

async function get(wanted: Wanted, options: HttpGetOptions, host: Host, call: Call): Promise<void> {
  const { session, signal, log } = call;
  const path = pathOf(options);
  const ask = await openServer(options, host, signal);
  const sha256 = wanted.sum.kind === "given" ? wanted.sum.sha256 : await lookUp(wanted.sum.list, wanted.url, ask);
  if (options.cache && (await sumOf(path, host, signal)) === sha256) {
    await session.print(`${path} is there already, sha256 ${sha256}\n`);
    return;
  }
  await host.files.makeDirectory(dirname(path));
  await using part = await Part.open(path, wanted.url, host.files);
  log.info("downloading a file", { url: shown(wanted.url), path, from: part.file.size });
  await download(part, { url: wanted.url, sha256, limitBytes: bytesOf(options.limit) }, ask, call);
  await part.commit();
  await session.print(`${part.file.size} bytes of ${shown(wanted.url)} are at ${path}, sha256 ${sha256}\n`);
}

async function lookUp(list: URL, url: URL, ask: Ask): Promise<string> {
  await using response = await ask(list, {});
  if (response.status !== 200) {
    throw refusal(list, response.status);
  }
  return findSum(await response.text(largestListBytes), url);
}

/** Undefined when there is no file. */
async function sumOf(path: string, { files }: Host, signal: AbortSignal): Promise<string | undefined> {
  if ((await files.size(path)) === undefined) {
    return undefined;
  }
  await using file = await files.read(path);
  const sum = createHash("sha256");
  for await (const piece of file.content) {
    signal.throwIfAborted();
    sum.update(piece);
  }
  return sum.digest("hex");
}
