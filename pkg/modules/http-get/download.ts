import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { DutError, type DutErrorCode, explain } from "#pkg/errors/dut-error.ts";
import type { HttpResponse } from "#pkg/host/http.ts";
import { steps } from "../image-stream/steps.ts";
import type { Call } from "../module.ts";
import type { Part } from "./part.ts";
import { type Ask, refusal, shown } from "./server.ts";
import { parseContentRange, versionOf } from "./version.ts";

/** A connection that breaks again and again is asked anew as long as it brings something, and so often when it does not. */
const mostFruitless = 3;

const pauseMs = 500;

/** What may be otherwise a moment later. */
const passing = new Set<DutErrorCode>(["unavailable", "deadline_exceeded"]);

interface Given {
  readonly url: URL;
  readonly sha256: string;
  readonly limitBytes: number;
}

/**
 * Completes a part until it has the wanted SHA-256, from where it is if the server still has that version. Goes on after a
 * broken connection. Throws data_loss, and removes the part, when the whole file has another SHA-256.
 */
export async function download(part: Part, given: Given, ask: Ask, call: Call): Promise<void> {
  const { session, signal } = call;
  let most = part.file.size;
  for (let fruitless = 0; ; ) {
    try {
      await compare(await goOn(part, given, ask, call), part, given);
      return;
    } catch (error) {
      signal.throwIfAborted();
      fruitless = part.file.size > most ? 0 : fruitless + 1;
      most = Math.max(most, part.file.size);
      if (!(error instanceof DutError) || !passing.has(error.code) || fruitless === mostFruitless) {
        throw error;
      }
      await session.print(`${explain(error)}: trying again\n`);
    }
    await setTimeout(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function compare(sum: string, part: Part, { url, sha256 }: Given): Promise<void> {
  if (sum !== sha256) {
    await part.remove();
    throw new DutError("data_loss", `${shown(url)} has the SHA-256 ${sum}, and not ${sha256}`, {
      hint: "the file was changed on the server or on the way, or the SHA-256 is of another; nothing of it was kept",
    });
  }
}

/** Takes what is missing and returns the SHA-256 of the whole. */
async function goOn(part: Part, given: Given, ask: Ask, call: Call): Promise<string> {
  const { file } = part;
  const sum = createHash("sha256");
  for await (const piece of file.read()) {
    call.signal.throwIfAborted();
    sum.update(piece);
  }
  const there = sum.copy().digest("hex");
  if (there === given.sha256) {
    return there;
  }
  const version = await part.version();
  const headers = version === undefined ? {} : { range: `bytes=${file.size}-`, "if-range": version };
  await using response = await ask(given.url, headers);
  if (response.status === 416 && version !== undefined) {
    await part.begin(undefined);
    return await goOn(part, given, ask, call);
  }
  const total = await place(response, part, given.url);
  if (file.size > 0) {
    await call.session.print(`going on from byte ${file.size}\n`);
  }
  const begun = file.size === 0 ? createHash("sha256") : sum;
  await take(response, total, part, given, call, (piece) => begun.update(piece));
  return begun.digest("hex");
}

/** Makes the part ready for the bytes of an answer; how many there will be in all, if it says so. */
async function place({ status, headers }: HttpResponse, part: Part, url: URL): Promise<number | undefined> {
  if (status === 200) {
    await part.begin(versionOf(headers));
    const length = headers["content-length"];
    return length === undefined ? undefined : Number(length);
  }
  if (status !== 206) {
    throw refusal(url, status);
  }
  const range = parseContentRange(headers["content-range"]);
  if (range?.at !== part.file.size) {
    await part.remove();
    throw new DutError(
      "data_loss",
      `GET ${shown(url)}: the server sends another part of the file than it was asked for`,
    );
  }
  return range.total;
}

async function take(
  { body }: HttpResponse,
  total: number | undefined,
  part: Part,
  { url, limitBytes }: Given,
  { session, signal }: Call,
  sum: (piece: Uint8Array) => void,
): Promise<void> {
  const { file } = part;
  const limited = async (bytes: number) => {
    if (bytes > limitBytes) {
      await part.remove();
      throw new DutError(
        "resource_exhausted",
        `${shown(url)} is larger than the ${limitBytes} bytes that it may have`,
        {
          hint: "raise the option limit, if it is the right file",
        },
      );
    }
  };
  await limited(total ?? 0);
  const from = file.size;
  const reception = steps((done) => session.progress({ done: from + done, total, unit: "bytes", label: "download" }));
  for await (const piece of body) {
    signal.throwIfAborted();
    await limited(file.size + piece.length);
    await file.write(piece);
    sum(piece);
    await reception.add(piece.length);
  }
  await reception.finish();
  if (total !== undefined && file.size < total) {
    throw new DutError("unavailable", `GET ${shown(url)}: the answer ended at byte ${file.size} of ${total}`);
  }
}
