import { memoryStore } from "./memory-store.ts";
import { storeContract } from "./store-contract.ts";

storeContract("memory", undefined, async () => {
  const store = memoryStore();
  return { open: async () => store, spec: undefined, async [Symbol.asyncDispose]() {} };
});
