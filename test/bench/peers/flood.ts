/** What the bulk rows move: the device that floods, of an agent that dialled in and of one that registered, and how much. */
export const bulkDevice = "flood";
export const registeredBulkDevice = "flood-registered";
export const bulkBytes = 192 * 1024 * 1024;

/** Marks a request whose bytes go to the agent instead of coming from it. */
export const swallowHeader = "x-swallow";

const chunk = Buffer.alloc(64 * 1024, "bulk");

/** The bytes, in pieces as a program reads them from a file. */
export function* flood(): Generator<Buffer> {
  for (let sent = 0; sent < bulkBytes; sent += chunk.length) {
    yield chunk;
  }
}
