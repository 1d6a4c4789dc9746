import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { HttpGetOptions } from "./options.ts";

/** A file that is to be there, and how it is known. */
export interface Wanted {
  readonly url: URL;
  readonly sum: { readonly kind: "given"; readonly sha256: string } | { readonly kind: "listed"; readonly list: URL };
}

/** What the arguments say that the options leave open. Throws invalid_argument. */
export function parseWanted(args: readonly string[], options: HttpGetOptions): Wanted {
  const hint = `use ${usageOf(options)}`;
  const rest = [...args];
  const address = options.url ?? rest.shift();
  if (address === undefined || address === "") {
    throw new DutError("invalid_argument", "no address was given", { hint });
  }
  const url = parseAddress(address);
  const sha256 = options.sha256 ?? rest.shift();
  if (rest.length > 0) {
    throw new DutError("invalid_argument", `too many arguments: ${rest.map((text) => quote(text)).join(" ")}`, {
      hint,
    });
  }
  if (sha256 !== undefined && sha256 !== "") {
    return { url, sum: { kind: "given", sha256: parseSum(sha256) } };
  }
  if (options.sha256sums === undefined) {
    throw new DutError("invalid_argument", "no SHA-256 was given", { hint });
  }
  return { url, sum: { kind: "listed", list: parseAddress(options.sha256sums, url) } };
}

/** What the user gives: what the options have is left out. */
export function usageOf({ url, sha256, sha256sums }: HttpGetOptions): string {
  const sum = sha256sums === undefined ? "<sha256>" : "[<sha256>]";
  const words = [...(url === undefined ? ["<url>"] : []), ...(sha256 === undefined ? [sum] : [])];
  return words.length === 0 ? "no arguments" : words.join(" ");
}

/** Throws invalid_argument for what is no address of http or https, or holds a password that would be shown. */
export function parseAddress(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new DutError("invalid_argument", "expected an address of http or https", {
      hint: "write it as https://server/path/file",
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new DutError("invalid_argument", "expected an address without user and password", {
      hint: "they are options of their own",
    });
  }
  return url;
}

function parseSum(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new DutError("invalid_argument", `${quote(text)} is no SHA-256`, { hint: "it has 64 hexadecimal digits" });
  }
  return text.toLowerCase();
}
