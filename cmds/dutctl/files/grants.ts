import { join, resolve } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { isSecret, isWithin } from "./secrets.ts";
import { shownName } from "./shown-name.ts";

/** What a peer may read and write, by absolute paths. It gets at no other file. */
export interface Grants {
  /** The working directory. */
  readonly directory: string;
  /** What the user named on the command line. */
  readonly readable: ReadonlySet<string>;
  /** With how often the user named it. */
  readonly writable: ReadonlyMap<string, number>;
  /** What the user allowed besides, with everything below. */
  readonly allowed: readonly string[];
  /** Folders of this program that nobody gets at unless they are allowed by name. */
  readonly secrets: readonly string[];
  /** Files that exist may be replaced, whoever named them. */
  readonly force: boolean;
}

/** Where a file from the peer may go: in place of what is there, or only where nothing is. */
export type Destination = { readonly path: string; readonly replace: boolean };

export interface GrantOptions {
  readonly directory: string;
  readonly allowRead?: readonly string[];
  readonly force?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Every argument is granted as it is, `a:b` also as `a` to read and as `b` to read or write. */
export function grantsOf(args: readonly string[], options: GrantOptions): Grants {
  const { directory, allowRead = [], force = false, env = {} } = options;
  const readable = new Set<string>();
  const writable = new Map<string, number>();
  for (const argument of args.filter((text) => text !== "")) {
    const [, left, right] = /^([^:]+):([^:]+)$/s.exec(argument) ?? [];
    for (const name of [argument, right]) {
      if (name !== undefined) {
        const path = resolve(directory, name);
        readable.add(path);
        writable.set(path, (writable.get(path) ?? 0) + 1);
      }
    }
    if (left !== undefined) {
      readable.add(resolve(directory, left));
    }
  }
  return {
    directory,
    readable,
    writable,
    allowed: allowRead.map((path) => resolve(directory, path)),
    secrets: env.XDG_CONFIG_HOME ? [join(env.XDG_CONFIG_HOME, "dutctl")] : [],
    force,
  };
}

/** The file behind a name that the peer asks for. Throws permission_denied unless the user named or allowed it. */
export function readablePath(grants: Grants, name: string): string {
  const path = resolve(grants.directory, name);
  const granted = grants.readable.has(path) || grants.allowed.some((root) => isWithin(path, root));
  if (name === "" || name.includes("\0") || !granted) {
    throw new DutError(
      "permission_denied",
      `the agent asked for the file ${shownName(name)}, which the command line does not name`,
      { hint: "only files named among the arguments are sent; -allow-read PATH allows another one" },
    );
  }
  refuseSecret(grants, path, name);
  return path;
}

/**
 * Throws permission_denied for a path that leads to somebody's secrets, though the user may have named it: arguments are
 * often meant for the board. Only what is allowed by its own name passes.
 */
export function refuseSecret(grants: Grants, path: string, name: string): void {
  const meant = grants.allowed.some((root) => isSecret(root, grants.secrets) && isWithin(path, root));
  if (isSecret(path, grants.secrets) && !meant) {
    throw new DutError("permission_denied", `the agent asked for the file ${shownName(name)}, which may hold secrets`, {
      hint: "it is sent only if -allow-read names it, besides the argument",
    });
  }
}

/** Names of control, invisible and bidirectional characters, of a path, of an option, or hidden ones. */
const unsafeName = /[/\\\p{C}\u2028\u2029]|^[.-]/u;

/** The longest name that file systems take, in bytes. */
const longestName = 255;

/**
 * Where a file that the peer sends under a name goes: to a path that the user named, or into the working directory.
 * Throws permission_denied for every other name, for secrets, and for a path that was `sent` before as an input, unless
 * the user named it as an output too.
 */
export function destinationOf(grants: Grants, name: string, sent: ReadonlySet<string>): Destination {
  const path = resolve(grants.directory, name);
  const timesNamed = name === "" || name.includes("\0") ? 0 : (grants.writable.get(path) ?? 0);
  if (timesNamed <= 1 && sent.has(path)) {
    throw new DutError(
      "permission_denied",
      `the agent wants to overwrite the file ${shownName(name)}, which was sent to it`,
      { hint: "name the file a second time if that is what you want" },
    );
  }
  if (timesNamed === 0 && (name === "" || unsafeName.test(name) || Buffer.byteLength(name) > longestName)) {
    throw new DutError(
      "permission_denied",
      `the agent sent the file ${shownName(name)}, which the command line does not name`,
      { hint: "a file that no argument names is taken under a plain name in the working directory only" },
    );
  }
  if (isSecret(path, grants.secrets)) {
    throw new DutError("permission_denied", `the agent sent the file ${shownName(name)}, which may hold secrets`, {
      hint: "receive it under another name and move it yourself",
    });
  }
  return { path, replace: timesNamed > 0 || grants.force };
}
