import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import { fromErrno } from "#pkg/host/errno.ts";

/** Where the values of `${env:NAME}` and `${file:PATH}` come from. Both throw a sentence when there is none. */
export interface SecretSource {
  environment(name: string): string;
  file(path: string): string;
}

/** A reference to a secret, or with one more dollar in front the text of one. */
const reference = /(\$?)\$\{(env|file):([^{}]+)\}/g;

/** Whether a text names a secret. */
export function namesSecret(text: string): boolean {
  return Array.from(text.matchAll(reference)).some(([, extraDollar]) => extraDollar === "");
}

/** The text with every reference replaced by what `take` makes of it, and `$${env:X}` turned into the text `${env:X}`. */
export function replaceSecrets(text: string, source: SecretSource, take: (secret: string) => string): string {
  return text.replace(reference, (match, extraDollar: string, kind: string, name: string) => {
    if (extraDollar !== "") {
      return match.slice(1);
    }
    return take(kind === "env" ? source.environment(name) : source.file(name));
  });
}

/** Variables that every program needs: they are no secrets, and stay where they are. */
const publicVariables = /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TERM|TMPDIR|PWD|XDG_\w+|\w+_DIRECTORY)$/;

/** Bytes; enough for every key and certificate. */
const largestSecret = 64 * 1024;

/**
 * The secrets of this process: variables of `environment` and files relative to `folder`. A variable that was asked for is
 * taken out of the environment, so that no program that is started later inherits it; asking again gives it again.
 */
export class ProcessSecrets implements SecretSource {
  readonly #environment: Record<string, string | undefined>;
  readonly #taken: Map<string, string>;
  readonly #folder: string;

  constructor(environment: Record<string, string | undefined>, folder: string, taken = new Map<string, string>()) {
    this.#environment = environment;
    this.#folder = folder;
    this.#taken = taken;
  }

  environment(name: string): string {
    const value = this.#taken.get(name) ?? this.#environment[name];
    if (value === undefined) {
      throw new DutError("not_found", `there is no environment variable ${quote(name)}`, {
        hint: "set it for dutagent, or write $${env:…} for the text itself",
      });
    }
    if (!publicVariables.test(name)) {
      this.#taken.set(name, value);
      delete this.#environment[name];
    }
    return value;
  }

  /** The text of a file without the newline at its end. */
  file(path: string): string {
    const bytes = readRegular(resolve(this.#folder, path), quote(path));
    const text = bytes.toString();
    if (!Buffer.from(text).equals(bytes)) {
      throw new DutError("invalid_argument", `${quote(path)} is not UTF-8 text`);
    }
    return text.replace(/\r?\n$/, "");
  }
}

function readRegular(path: string, name: string): Buffer {
  try {
    const file = statSync(path);
    if (!file.isFile()) {
      throw new DutError("failed_precondition", `${name} is not a regular file`);
    }
    if (file.size > largestSecret) {
      throw new DutError("invalid_argument", `${name} is larger than ${largestSecret} bytes`);
    }
    return readFileSync(path);
  } catch (error) {
    throw fromErrno(error, `cannot read ${name}`);
  }
}

/** For reading a configuration on another machine than its own: every secret is there, and stands for itself. */
export const secretsElsewhere: SecretSource = {
  environment: (name) => name,
  file: (path) => path,
};
