import { renderProblem } from "#pkg/config/config-error.ts";
import type { Log } from "#pkg/log/log.ts";
import { type ConfigSource, sentencesOf } from "./config-source.ts";

interface Check {
  readonly source: ConfigSource;
  readonly path: string;
  readonly stderr: (text: string) => void;
  readonly log: Log;
}

/**
 * Tells what is wrong with a configuration in the lines that editors and CI read, `file:line:column: path: sentence`, with
 * `warning: ` before the path of what is only doubtful, and sums it up in the log. Resolves with the exit status.
 */
export async function checkConfig({ source, path, stderr, log }: Check): Promise<number> {
  try {
    const { warnings } = await source.load();
    for (const warning of warnings) {
      stderr(`${renderProblem(path, warning, "warning: ")}\n`);
    }
    log.info("configuration is valid", { path, ...(warnings.length > 0 ? { warnings: warnings.length } : {}) });
    return 0;
  } catch (error) {
    const sentences = sentencesOf(error);
    stderr(sentences.map((sentence) => `${sentence}\n`).join(""));
    log.error("bad configuration", { path, problems: sentences.length });
    return 1;
  }
}
