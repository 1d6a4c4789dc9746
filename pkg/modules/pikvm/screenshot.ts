import { DutError } from "#pkg/errors/dut-error.ts";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { Call } from "../module.ts";
import type { Kvm } from "./kvm.ts";
import type { PikvmOptions } from "./options.ts";

/** Gives the client a picture of what the device shows. */
export async function takeScreenshot(file: string, kvm: Kvm, options: PikvmOptions, { session }: Call): Promise<void> {
  const idleMs = parseDuration(options.timeout);
  await using picture = await kvm.open("GET", "/api/streamer/snapshot", {}, { idleMs }).catch((error: unknown) => {
    throw error instanceof DutError && error.code === "unavailable" ? noPicture(error) : error;
  });
  const { "content-type": type = "", "content-length": length } = picture.headers;
  if (!type.startsWith("image/jpeg")) {
    throw new DutError(
      "data_loss",
      `GET /api/streamer/snapshot: the answer is no JPEG picture but ${type || "nothing"}`,
    );
  }
  let bytes = 0;
  async function* counted() {
    for await (const piece of picture.body) {
      bytes += piece.length;
      yield piece;
    }
  }
  await session.sendFile(file, counted(), length === undefined ? {} : { size: Number(length) });
  await session.print(`Screenshot ${file}: ${bytes} bytes\n`);
}

function noPicture(cause: DutError): DutError {
  return new DutError("unavailable", cause.message, {
    hint: "is the device on, and its video cable plugged in? some PiKVMs make pictures only while somebody watches",
    cause,
  });
}
