import type { ModuleKind } from "#pkg/modules/module.ts";
import type { Claims } from "./claims.ts";
import type { SecretSource } from "./secrets/secret-source.ts";

/** What a configuration is read with. */
export interface Parsing {
  readonly kinds: readonly ModuleKind[];
  readonly secrets: SecretSource;
  /** Whether users of the machine other than the file's owner may read it. */
  readonly readableByOthers: boolean;
  /** Takes every secret that is met. */
  readonly found: Set<string>;
  readonly claims: Claims;
}
