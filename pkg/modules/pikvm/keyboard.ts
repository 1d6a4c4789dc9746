import { z } from "zod";
import { DutError } from "#pkg/errors/dut-error.ts";
import type { Call } from "../module.ts";
import type { Kvm } from "./kvm.ts";
import type { PikvmOptions } from "./options.ts";

const hid = z.object({ keyboard: z.object({ online: z.boolean() }) });

/** How long the typing of a character may take: a press and a release, each a report on USB or Bluetooth. */
const characterMs = 50;

export async function typeText(text: string, kvm: Kvm, { keymap }: PikvmOptions, { session }: Call): Promise<void> {
  await throwUnlessPlugged(kvm);
  // Without `limit` the API types 1,024 characters and drops the rest.
  const query = { limit: "0", ...(keymap === undefined ? {} : { keymap }) };
  const characters = [...text].length;
  await kvm.post("/api/hid/print", query, { body: Buffer.from(text), moreMs: characters * characterMs });
  await session.print(`Typed ${characters} ${characters === 1 ? "character" : "characters"}\n`);
}

/** Presses the keys of each combination in order and releases them in reverse, also when the run ends in between. */
export async function pressKeys(
  combinations: readonly (readonly string[])[],
  kvm: Kvm,
  { session, signal, log }: Call,
): Promise<void> {
  await throwUnlessPlugged(kvm);
  for (const keys of combinations) {
    signal.throwIfAborted();
    const tried: string[] = [];
    try {
      for (const key of keys) {
        tried.push(key);
        await kvm.post("/api/hid/events/send_key", { key, state: "1" });
      }
    } catch (error) {
      await release(tried, kvm.afterwards()).catch((stuck: unknown) =>
        log.warn("a key may be stuck on a PiKVM", { keys: tried.join("+"), error: stuck }),
      );
      throw error;
    }
    await release(keys, kvm.afterwards());
    await session.print(`Pressed ${keys.join("+")}\n`);
  }
}

/** Tries all of them, and throws for the first that failed. */
async function release(keys: readonly string[], kvm: Kvm): Promise<void> {
  const failures: unknown[] = [];
  for (const key of keys.toReversed()) {
    await kvm.post("/api/hid/events/send_key", { key, state: "0" }).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) {
    throw failures[0];
  }
}

/** The API takes keys for a keyboard that no device reads, and forgets them. */
async function throwUnlessPlugged(kvm: Kvm): Promise<void> {
  const { keyboard } = await kvm.get("/api/hid", hid);
  if (!keyboard.online) {
    throw new DutError("failed_precondition", "the device does not read the PiKVM's keyboard", {
      hint: "is it on, and is its USB cable plugged in?",
    });
  }
}
