import { X509Certificate } from "node:crypto";
import { access, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory } from "#pkg/directory/make-directory.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { hostNames } from "../alternative-names.ts";
import type { Role } from "../peer.ts";
import { type Credentials, issue, newAuthority, type Wanted } from "./issue.ts";

/** Ten years: who trusts an authority has its file in many places. */
const authorityDays = 3650;

/** Where a certificate and its key are. */
export interface Files {
  readonly cert: string;
  readonly key: string;
}

/** What has been written. */
export interface Written extends Files {
  readonly certificate: X509Certificate;
  /** The key was there before, and so the holder is still who it was. */
  readonly renewed: boolean;
}

/** The files of an authority in its directory. */
export function authorityFiles(directory: string): Files {
  return { cert: join(directory, "ca.pem"), key: join(directory, "ca.key") };
}

/** The files of what it has signed. */
export function filesOf(directory: string, role: Role, name: string): Files {
  return { cert: join(directory, `${role}-${name}.pem`), key: join(directory, `${role}-${name}.key`) };
}

/**
 * Makes an authority in a directory that only its owner enters. Throws already_exists where there is one; with `anew` the
 * whole directory is moved aside first, to the path that is answered. Nothing is ever overwritten.
 */
export async function createAuthority(
  directory: string,
  name: string,
  { anew, now }: { readonly anew: boolean; readonly now: Date },
): Promise<{ readonly certificate: X509Certificate; readonly movedTo: string | undefined }> {
  const files = authorityFiles(directory);
  const there = (await isThere(files.cert)) || (await isThere(files.key));
  if (there && !anew) {
    throw new DutError("already_exists", `there is an authority in ${directory} already`, {
      hint: "dutserver cert makes certificates of it; -force moves the directory aside and begins anew",
    });
  }
  const movedTo = there ? `${directory}.before-${now.toISOString().slice(0, 19).replace(/\D/g, "")}` : undefined;
  if (movedTo !== undefined) {
    await rename(directory, movedTo);
  }
  await makeDirectory(directory, 0o700);
  const made = await newAuthority(name, authorityDays, now.getTime());
  await writeNew(files.key, made.key);
  await writeNew(files.cert, made.cert);
  return { certificate: new X509Certificate(made.cert), movedTo };
}

/** What is to be signed: without hosts, those of the certificate that is renewed, or else a server's name, and none for others. */
export type Request = Pick<Wanted, "role" | "name" | "days"> & { readonly hosts: readonly string[] | undefined };

/**
 * Signs a certificate and writes it, with the key that is there for it, because who holds it is known by the key; without one
 * it makes a key. Throws not_found without an authority, failed_precondition for one that has expired, and for a certificate
 * whose key is missing.
 */
export async function issueInto(directory: string, { role, name, days, hosts }: Request): Promise<Written> {
  const authority = await readAuthority(directory);
  const files = filesOf(directory, role, name);
  const [before, key] = [await readIfThere(files.cert), await readIfThere(files.key)];
  if (before !== undefined && key === undefined) {
    throw new DutError("failed_precondition", `${files.cert} is there without its key`, {
      hint: `put ${files.key} back, or move the certificate away: with a new key ${name} is known to nobody`,
    });
  }
  const names = hosts ?? (before === undefined ? hostsOf(role, name) : hostNames(new X509Certificate(before)));
  const issued = await issue(authority, { role, name, days, hosts: names, key });
  if (key === undefined) {
    await writeNew(files.key, issued.key);
  }
  // Who is called shows the whole chain, so that a caller who trusts another authority can be told of this one.
  await replace(files.cert, role === "user" ? issued.cert : issued.cert + authority.cert);
  return { ...files, certificate: new X509Certificate(issued.cert), renewed: key !== undefined };
}

function hostsOf(role: Role, name: string): readonly string[] {
  return role === "server" && !name.includes("@") ? [name] : [];
}

async function readAuthority(directory: string): Promise<Credentials> {
  const files = authorityFiles(directory);
  const [cert, key] = [await readIfThere(files.cert), await readIfThere(files.key)];
  if (cert === undefined || key === undefined) {
    throw new DutError(
      "not_found",
      `there is no authority in ${directory}: ${cert === undefined ? files.cert : files.key} is missing`,
      {
        hint: "dutserver init makes one; -dir names another directory",
      },
    );
  }
  const { validToDate } = new X509Certificate(cert);
  if (validToDate.getTime() < Date.now()) {
    throw new DutError(
      "failed_precondition",
      `the authority in ${directory} has expired on ${validToDate.toISOString()}`,
      {
        hint: "dutserver init -force makes a new one, and everybody needs new certificates",
      },
    );
  }
  return { cert, key };
}

async function readIfThere(path: string): Promise<string | undefined> {
  return (await isThere(path)) ? await readFile(path, "utf8") : undefined;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return false;
    }
    throw error;
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: "wx", mode: 0o600, flush: true });
}

/** Whole or not at all: a program may read it at any time. */
async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeNew(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
