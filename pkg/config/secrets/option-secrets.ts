import { explain } from "#pkg/errors/dut-error.ts";
import type { Parsing } from "../parsing.ts";
import { complain, type Place, warn } from "../place.ts";
import type { YamlNode } from "../yaml/yaml-node.ts";
import { Mask } from "./mask.ts";
import { replaceSecrets, type SecretSource } from "./secret-source.ts";

/** What looks like a reference and is none. */
const lookalike = /(?<!\$)\$\{(?!(?:env|file):)(\w+):([^-=?+:{}\s][^{}]*)\}/;

/** The secrets of one module's options, while these are read. */
export class OptionSecrets {
  readonly #source: SecretSource;
  readonly #found: Set<string>;
  readonly #values = new Set<string>();
  readonly #missing = new Set<YamlNode>();

  constructor({ secrets, found }: Pick<Parsing, "secrets" | "found">) {
    this.#source = secrets;
    this.#found = found;
  }

  /** The text with its references replaced; complains and gives a stand-in when there is nothing to replace one with. */
  resolve(place: Place, text: string): string {
    const [, kind, name] = lookalike.exec(text) ?? [];
    if (kind !== undefined) {
      warn(place, `\${${kind}:${name}} is not replaced; secrets are \${env:NAME} and \${file:PATH}`);
    }
    try {
      return replaceSecrets(text, this.#source, (secret) => {
        this.add(secret);
        return secret;
      });
    } catch (error) {
      complain(place, explain(error));
      this.#missing.add(place.node);
      return text;
    }
  }

  /** Takes a value for a secret. */
  add(secret: string): void {
    this.#values.add(secret);
    this.#found.add(secret);
  }

  /** Whether everything has been said about what is written here. */
  isMissing(node: YamlNode | undefined): boolean {
    return node !== undefined && this.#missing.has(node);
  }

  get anyMissing(): boolean {
    return this.#missing.size > 0;
  }

  get mask(): Mask {
    return new Mask(this.#values);
  }
}
