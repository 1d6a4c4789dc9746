import { dirname } from "node:path";
import type { AgentConfig } from "#pkg/config/config.ts";
import { ConfigError, renderProblem } from "#pkg/config/config-error.ts";
import { loadConfig } from "#pkg/config/load-config.ts";
import { Mask } from "#pkg/config/secrets/mask.ts";
import { ProcessSecrets } from "#pkg/config/secrets/secret-source.ts";
import { explain } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";
import { type FileMark, markOf } from "./users/count-users.ts";

/** The configuration file of an agent, which may be read again. */
export class ConfigSource {
  readonly #path: string;
  readonly #secrets: ProcessSecrets;
  readonly #log: Log;
  readonly #secretsFound = new Set<string>();
  #mask = new Mask([]);
  #mark: FileMark;

  /** Secrets in `env` are taken out of it, so that no program of a module inherits them. */
  constructor(path: string, env: Record<string, string | undefined>, log: Log) {
    this.#path = path;
    this.#secrets = new ProcessSecrets(env, dirname(path));
    this.#log = log;
    this.#mark = { path, mark: undefined };
  }

  /** Of the file as it was read last, with success. */
  get mark(): FileMark {
    return this.#mark;
  }

  /** The text without the secrets of every configuration that was read. */
  hide(text: string): string {
    return this.#mask.text(text);
  }

  /** The configuration as it is now. Throws all that is wrong with it. */
  async load(): Promise<AgentConfig> {
    this.#log.info("loading configuration", { path: this.#path });
    const mark = await markOf(this.#path);
    const config = await loadConfig(this.#path, moduleKinds, this.#secrets);
    for (const secret of config.secrets) {
      this.#secretsFound.add(secret);
    }
    this.#mask = new Mask(this.#secretsFound);
    this.#mark = mark;
    return config;
  }

  /** The same, with what is doubtful logged; undefined after logging all that is wrong, each as an error with this message. */
  async read(complaint: string): Promise<AgentConfig | undefined> {
    try {
      const config = await this.load();
      for (const warning of config.warnings) {
        this.#log.warn("doubtful configuration", { at: renderProblem(this.#path, warning) });
      }
      return config;
    } catch (error) {
      for (const sentence of sentencesOf(error)) {
        this.#log.error(complaint, { err: sentence });
      }
      return undefined;
    }
  }
}

/** What is wrong with a configuration that could not be loaded, each in one line. */
export function sentencesOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.message.split("\n") : [explain(error)];
}
