import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";

/** What a run is to do. The image of a write is the client's by this name, or a file of the agent. */
export type FlashRequest =
  | { readonly kind: "read"; readonly image: string }
  | { readonly kind: "write"; readonly from: "client" | "agent"; readonly image: string };

/** Further words are ignored, as they always were. Throws invalid_argument. */
export function parseRequest([operation, image]: readonly string[], file: string | undefined): FlashRequest {
  const hint = file === undefined ? "use read <image> or write <image>" : "use read <image> or write";
  if (operation === undefined || operation === "") {
    throw new DutError("invalid_argument", "missing argument: flash operation", { hint });
  }
  if (operation !== "read" && operation !== "write") {
    throw new DutError("invalid_argument", `unknown operation ${quote(operation)}`, { hint });
  }
  if (operation === "write" && file !== undefined) {
    if (image !== undefined) {
      throw new DutError("invalid_argument", `this command writes ${file} of the agent and takes no image`, { hint });
    }
    return { kind: "write", from: "agent", image: file };
  }
  if (image === undefined || image === "") {
    throw new DutError("invalid_argument", "missing argument: image file name", { hint });
  }
  return operation === "read" ? { kind: "read", image } : { kind: "write", from: "client", image };
}
