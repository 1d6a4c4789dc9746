import { DutError, type DutErrorCode, dutErrorCodes } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import type { FileChunk, FileHead, FileRefusal, RunRequest } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Attachment } from "#pkg/session/attachment.ts";
import { canceledBecause } from "#pkg/session/run-engine.ts";

/** The largest piece of a file in one message, in bytes. */
const chunkBytes = 256 * 1024;

/** Does what the client of a run says. Throws invalid_argument and resource_exhausted for what does not fit. */
export function hear(client: Attachment, msg: RunRequest["msg"], log: Log): void {
  const { run } = client;
  const { conversation } = run;
  switch (msg.case) {
    case "input":
      conversation.stdin.receive(Number(msg.value.offset), msg.value.data);
      break;
    case "endOfInput":
      conversation.endOfInput();
      break;
    case "resize":
      conversation.resize({ rows: msg.value.rows, columns: msg.value.columns });
      break;
    case "signal":
      conversation.signal(msg.value.name);
      break;
    case "cancel":
      run.stop(canceledBecause(msg.value.reason));
      break;
    case "taken":
      client.take(Number(msg.value.offset));
      break;
    case "fileHead":
      conversation.uploadOf(msg.value.transfer)?.head(attributesOf(msg.value));
      break;
    case "fileChunk":
      hearChunk(client, msg.value);
      break;
    case "fileEnd":
      conversation.uploadOf(msg.value.transfer)?.end(Number(msg.value.size), msg.value.sha256);
      break;
    case "fileRefusal":
      if (conversation.uploadOf(msg.value.transfer) !== undefined) {
        run.stop(refusalOf(msg.value));
      }
      break;
    default:
      log.warn("unexpected message from client ignored", { message: msg.case ?? "empty" });
  }
}

function hearChunk({ run }: Attachment, { transfer, offset, data }: FileChunk): void {
  if (data.length > chunkBytes) {
    throw new DutError("invalid_argument", `a chunk of ${data.length} bytes is larger than ${chunkBytes}`);
  }
  run.conversation.uploadOf(transfer)?.chunk(Number(offset), data);
}

function attributesOf({ size, mode }: FileHead) {
  return { size: size === undefined ? undefined : Number(size), mode };
}

function refusalOf({ code, message }: FileRefusal): DutError {
  return dutErrorCodes.includes(code as DutErrorCode)
    ? new DutError(code as DutErrorCode, message)
    : new DutError("aborted", `${message} (${quote(code)})`);
}
