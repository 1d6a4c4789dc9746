import type { ModuleKind } from "./module.ts";
import { serial } from "./serial/serial.ts";

/** Every kind of module that an agent offers, by name. */
export const moduleKinds: readonly ModuleKind[] = [serial];
