import { DutError } from "#pkg/errors/dut-error.ts";
import type { ExitStatus } from "#pkg/host/processes.ts";
import { withProgress } from "../image-stream/with-progress.ts";
import { endedBadly, endedWell } from "../tool/ended-badly.ts";
import { excerpt } from "../tool/excerpt.ts";
import { Tail } from "../tool/tail.ts";
import { notFound } from "./download.ts";
import { locate } from "./locate.ts";
import type { Transfer } from "./transfer.ts";

/** In English, so that the errors are. */
const env = { LC_ALL: "C" };

/** Of what tar has against an archive. */
const keptBytes = 4096;

/**
 * Owners and the bits that lend rights are not those of the archive. The zeros at its end are read over, so that all of
 * it is taken, and known to be what was sent, before anything takes its place.
 */
const unpackingArgs = ["--extract", "--file=-", "--ignore-zeros", "--no-same-owner", "--no-same-permissions"];

/**
 * Gives the client a directory of the agent as a tar archive, made while it is sent. Links in it are kept as links and
 * not followed.
 */
export async function downloadDirectory({ paths, options, host, call }: Transfer, tar: string): Promise<void> {
  const { session, signal } = call;
  const { source, destination } = paths;
  const { base, path } = locate(source, options.root);
  const missing = notFound(source.path);
  await using root = await host.files.openRoot(base, "refuse").catch(missing);
  await using directory = await root.directory(path).catch(missing);
  const args = ["--create", "--file=-", "--one-file-system", `--directory=${directory.path}`, "."];
  await using packing = await host.processes.start({ program: tar, args, env, signal });
  const complaint = tailOf(packing.stderr);
  let bytes = 0;
  async function* packed() {
    for await (const piece of withProgress(packing.stdout, { session, total: undefined, label: "download" })) {
      bytes += piece.length;
      yield piece;
    }
    const status = await packing.exited;
    signal.throwIfAborted();
    refuseUnlessWell(status, await complaint, "aborted");
  }
  await session.sendFile(destination.path, packed());
  await session.print(`Download complete: ${source.path} -> ${destination.path} (${bytes} bytes)\n`);
}

/**
 * Unpacks a tar archive of the client's into a directory of its own, which takes the place of the destination when all of
 * it is there and nothing but files and directories. tar itself refuses members that lead out of it.
 */
export async function uploadDirectory({ paths, options, host, call }: Transfer, tar: string): Promise<void> {
  const { session, signal } = call;
  const { source, destination } = paths;
  const { base, path } = locate(destination, options.root);
  await using root = await host.files.openRoot(base, "make");
  await using next = await root.replaceDirectory(path);
  const archive = await session.requestFile(source.path);
  let bytes = 0;
  let broken: { readonly reason: unknown } | undefined;
  async function* received() {
    try {
      for await (const piece of withProgress(archive, { session, total: archive.attributes.size, label: "upload" })) {
        bytes += piece.length;
        yield piece;
      }
    } catch (reason) {
      broken = { reason };
      throw reason;
    }
  }
  const args = [...unpackingArgs, `--directory=${next.path}`];
  {
    await using unpacking = await host.processes.start({ program: tar, args, env, stdin: received(), signal });
    const outputs = Promise.all([tailOf(unpacking.stderr), tailOf(unpacking.stdout)]);
    const [[complaint], status] = await Promise.all([outputs, unpacking.exited]);
    signal.throwIfAborted();
    if (broken !== undefined) {
      throw broken.reason;
    }
    refuseUnlessWell(status, complaint, "invalid_argument");
  }
  await next.commit();
  await session.print(`Upload complete: ${source.path} -> ${destination.path} (${bytes} bytes)\n`);
}

/** What tar says of names that it takes in another way; no complaint. */
const remark = /^\S*tar: Removing leading /;

/** The first of tar's complaints names the member; the last says that there were some. */
function refuseUnlessWell(status: ExitStatus, complaint: string, code: "aborted" | "invalid_argument"): void {
  if (endedWell(status)) {
    return;
  }
  if (/No space left on device|Wrote only \d+ of/.test(complaint)) {
    throw new DutError("resource_exhausted", "no space left on the device for what is in the archive");
  }
  const reason = complaint.split("\n").find((line) => !remark.test(line)) ?? "";
  throw status.kind === "killed"
    ? endedBadly("tar", status, reason)
    : new DutError(code, `tar: ${excerpt(reason.replace(/^\S*tar: /, ""))}`);
}

async function tailOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const tail = new Tail(keptBytes);
  for await (const piece of output) {
    tail.push(piece);
  }
  return tail.bytes.toString();
}
