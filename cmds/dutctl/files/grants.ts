import { resolve } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** What the user named on the command line, as absolute paths. A peer gets at no other file. */
export interface Grants {
  readonly directory: string;
  readonly readable: ReadonlySet<string>;
  /** With how often the user named it. */
  readonly writable: ReadonlyMap<string, number>;
}

/** Where a file from the peer may go: in place of what is there, or only where nothing is. */
export type Destination = { readonly path: string; readonly named: boolean };

/** Every argument is granted as it is, `a:b` also as `a` to read and as `b` to read or write. */
export function grantsOf(args: readonly string[], directory: string): Grants {
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
  return { directory, readable, writable };
}

/** The file behind a name that the peer asks for. Throws permission_denied unless the user named it. */
export function readablePath(grants: Grants, name: string): string {
  const path = resolve(grants.directory, name);
  if (name === "" || !grants.readable.has(path)) {
    throw new DutError(
      "permission_denied",
      `the agent asked for the file ${quote(name)}, which the command line does not name`,
      {
        hint: "only files named among the arguments are sent",
      },
    );
  }
  return path;
}

/** Names of control, invisible and bidirectional characters, of a path, of an option, or hidden ones. */
const unsafeName = /[/\\\p{C}\u2028\u2029]|^[.-]/u;

/** The longest name that file systems take, in bytes. */
const longestName = 255;

/**
 * Where a file that the peer sends under a name goes: to a path that the user named, or as a new file into the working
 * directory. Throws permission_denied for every other name, and for a path that was `sent` before as an input, unless the
 * user named it as an output too.
 */
export function destinationOf(grants: Grants, name: string, sent: ReadonlySet<string>): Destination {
  const path = resolve(grants.directory, name);
  const timesNamed = name === "" ? 0 : (grants.writable.get(path) ?? 0);
  if (timesNamed === 1 && sent.has(path)) {
    throw new DutError(
      "permission_denied",
      `the agent wants to overwrite the file ${quote(name)}, which was sent to it`,
      {
        hint: "name the file a second time if that is what you want",
      },
    );
  }
  if (timesNamed > 0) {
    return { path, named: true };
  }
  if (name === "" || unsafeName.test(name) || Buffer.byteLength(name) > longestName) {
    throw new DutError(
      "permission_denied",
      `the agent sent the file ${quote(name)}, which the command line does not name`,
      {
        hint: "a file that no argument names is taken under a plain name in the working directory only",
      },
    );
  }
  return { path, named: false };
}
