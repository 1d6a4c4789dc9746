import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeContract } from "#test/support/store-contract.ts";
import { openSqliteStore } from "./open-sqlite-store.ts";

storeContract("sqlite", async () => {
  const directory = await mkdtempDisposable(join(tmpdir(), "store-"));
  return {
    open: async () => openSqliteStore(join(directory.path, "state")),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});
