import { addAbortListener } from "node:events";
import type { Client } from "ssh2";
import type { Call } from "#pkg/modules/module.ts";
import { download } from "./download.ts";
import { SftpSession } from "./sftp-session.ts";
import type { Transfer } from "./transfer.ts";
import { upload } from "./upload.ts";

/** How long an upload that is given up has to remove what it wrote. */
const graceMs = 2000;

interface Errand extends Omit<Transfer, "sftp" | "call"> {
  readonly operation: "upload" | "download";
}

/** Carries one file. Throws the signal's reason when the run ends first, with nothing half-written left if the server still answers. */
export async function carry(client: Client, errand: Errand, call: Call): Promise<void> {
  const { signal } = call;
  let timer: NodeJS.Timeout | undefined;
  using _stop = addAbortListener(signal, () => {
    timer = setTimeout(() => client.destroy(), graceMs);
  });
  try {
    const sftp = await SftpSession.open(client);
    await (errand.operation === "upload" ? upload : download)({ ...errand, sftp, call });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
