import { z } from "zod";
import { askUnit, type HttpUnit, parseAnswer } from "../http-unit.ts";
import type { Outlet } from "../outlet.ts";

type ShellyGeneration = 1 | 2;

/**
 * Shelly relays, by the vendor's API documentation. The first generation has `/relay/N` and Basic credentials; those since
 * have RPC methods and digest credentials. Without a generation given, the unit is asked once, which it answers without
 * credentials.
 */
export function shelly(unit: HttpUnit, outlet: number, given: ShellyGeneration | undefined): Outlet {
  let known = given;
  const dialect = async (signal: AbortSignal) => {
    known ??= await generationOf(unit, signal);
    return known === 1 ? firstGeneration(unit, outlet) : laterGeneration(unit, outlet);
  };
  return {
    write: async (level, signal) => await (await dialect(signal)).write(level, signal),
    read: async (signal) => await (await dialect(signal)).read(signal),
  };
}

/** `gen` came with the second generation. */
const identity = z.union([z.object({ gen: z.int().min(2) }), z.object({ type: z.string() })]);

/** Asked without the credentials: Basic ones would give away the password that a later generation takes as a digest. */
async function generationOf({ auth: _, ...unit }: HttpUnit, signal: AbortSignal): Promise<ShellyGeneration> {
  return "gen" in parseAnswer(await askUnit(unit, "/shelly", signal), identity) ? 2 : 1;
}

type TellingOutlet = Outlet & { readonly read: NonNullable<Outlet["read"]> };

const relay = z.object({ ison: z.boolean() });

function firstGeneration(unit: HttpUnit, outlet: number): TellingOutlet {
  return {
    async write(level, signal) {
      await askUnit(unit, `/relay/${outlet}?turn=${level}`, signal);
    },
    async read(signal) {
      return parseAnswer(await askUnit(unit, `/relay/${outlet}`, signal), relay).ison ? "on" : "off";
    },
  };
}

const switchStatus = z.object({ output: z.boolean() });

function laterGeneration({ auth, ...unit }: HttpUnit, outlet: number): TellingOutlet {
  const digested: HttpUnit = auth === undefined ? unit : { ...unit, auth: { ...auth, kind: "digest" } };
  return {
    async write(level, signal) {
      await askUnit(digested, `/rpc/Switch.Set?id=${outlet}&on=${level === "on"}`, signal);
    },
    async read(signal) {
      const answer = await askUnit(digested, `/rpc/Switch.GetStatus?id=${outlet}`, signal);
      return parseAnswer(answer, switchStatus).output ? "on" : "off";
    },
  };
}
