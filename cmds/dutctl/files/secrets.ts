import { sep } from "node:path";

/** Folders and files of anybody's home, wherever that is. */
const personal =
  /\/(?:\.ssh|\.gnupg|\.config\/dutctl|\.aws|\.kube|\.azure|\.config\/gcloud|\.config\/gh|\.docker\/config\.json|\.npmrc|\.pypirc|\.password-store|\.local\/share\/keyrings|\.netrc|\.git-credentials|\.pgpass)(?:\/|$)/;

/** Of the machine: passwords, private keys, and what only looks like files. */
const ofMachine = ["/proc", "/sys", "/dev", "/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/ssl/private"];

/** Whether an absolute path is one that nobody means to hand to a bench. `own` are further folders like that. */
export function isSecret(path: string, own: readonly string[]): boolean {
  return personal.test(path) || [...ofMachine, ...own].some((root) => isWithin(path, root));
}

/** Whether an absolute path is another, or below it. */
export function isWithin(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
