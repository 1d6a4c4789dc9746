import { basename, extname } from "node:path";

/** The configuration that gives an agent no name of its own. */
const usual = "dutctl";

/**
 * What an agent is called that was given no name: as its computer, with the name of its configuration behind it unless
 * that is the usual one, so that two agents of one computer are told apart.
 */
export function defaultAgentName(hostname: string, config: string): string {
  const file = basename(config, extname(config));
  const parts = file === usual ? [hostname] : [hostname, file];
  return parts
    .join("-")
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .slice(0, 64);
}
