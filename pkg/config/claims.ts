import { quote } from "#pkg/golang/quote.ts";
import type { Claim, ConfiguredModule } from "#pkg/modules/module.ts";
import { complain, type Place } from "./place.ts";

interface First extends Claim {
  readonly device: string;
  readonly line: number;
}

/** The hardware that the entries of a configuration claim. */
export class Claims {
  readonly #firsts = new Map<string, First>();

  /** Complains at the entry `use` when its module claims what another device has, or on other terms than an entry before. */
  take({ claims }: ConfiguredModule, use: Place): void {
    const device = String(use.path[1]);
    for (const claim of claims) {
      const key = JSON.stringify([claim.kind, claim.name]);
      const first = this.#firsts.get(key);
      if (first === undefined) {
        this.#firsts.set(key, { ...claim, device, line: use.node.at.line });
      } else if (first.device !== device) {
        complain(
          use,
          `${claim.kind} ${claim.name} belongs to device ${quote(first.device)}, at line ${first.line}; one device only can have it`,
        );
      } else if (first.terms !== claim.terms) {
        complain(
          use,
          `${claim.kind} ${claim.name} is ${claim.terms} here and ${first.terms} at line ${first.line}; give both entries the same options`,
        );
      }
    }
  }
}
