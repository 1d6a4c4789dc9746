import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { ImageOptions } from "./options.ts";
import type { Origin } from "./source/source.ts";

export type Action =
  | { readonly kind: "write"; readonly origin: Origin }
  /** `bytes` undefined: all of them. */
  | { readonly kind: "read"; readonly name: string; readonly bytes: number | undefined }
  | { readonly kind: "status" };

/** Throws invalid_argument for arguments that are none of the module's. */
export function parseAction([verb, ...rest]: readonly string[], options: ImageOptions): Action {
  const hint = `use ${writeUsage(options)}, read <image> [bytes] or status`;
  switch (verb) {
    case undefined:
      throw new DutError("invalid_argument", "nothing to do was given", { hint });
    case "write":
      return { kind: "write", origin: parseOrigin(rest, options, hint) };
    case "read": {
      const [name, bytes] = rest;
      if (name === undefined || name === "" || rest.length > 2 || !/^([1-9]\d{0,14})?$/.test(bytes ?? "")) {
        throw new DutError("invalid_argument", `read takes a name and a number of bytes, not ${given(rest)}`, { hint });
      }
      return { kind: "read", name, bytes: bytes === undefined || bytes === "" ? undefined : Number(bytes) };
    }
    case "status":
      if (rest.length > 0) {
        throw new DutError("invalid_argument", `status takes no arguments, not ${given(rest)}`, { hint });
      }
      return { kind: "status" };
    default:
      throw new DutError("invalid_argument", `unknown action ${quote(verb)}`, { hint });
  }
}

export const writeUsage = ({ file }: ImageOptions) => (file === undefined ? "write <image> [<bmap>]" : "write");

/** An empty bmap is how the user of a command that names both leaves it out. */
function parseOrigin(rest: readonly string[], { file, bmap: bmapOnAgent }: ImageOptions, hint: string): Origin {
  if (file !== undefined) {
    if (rest.length > 0) {
      throw new DutError("invalid_argument", `write takes the image ${file}, and not ${given(rest)}`, { hint });
    }
    return { from: "agent", image: file, bmap: bmapOnAgent };
  }
  const [image, bmap] = rest;
  if (image === undefined || image === "" || rest.length > 2) {
    throw new DutError("invalid_argument", `write takes an image, and perhaps its bmap, not ${given(rest)}`, { hint });
  }
  return { from: "client", image, bmap: bmap === "" ? undefined : bmap };
}

const given = (rest: readonly string[]) => (rest.length === 0 ? "nothing" : rest.map((text) => quote(text)).join(" "));
