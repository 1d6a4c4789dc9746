import type { HandlerContext } from "@connectrpc/connect";
import type { Inventory } from "../inventory/inventory.ts";

/** What is waited for the list to show what was answered, in milliseconds; it comes by another stream than the answer. */
const catchUpMs = 500;

type Call<Request, Response> = (request: Request, context: HandlerContext) => Promise<Response>;

/**
 * Makes a call that reserves or gives back answer when the inventory shows it, so that who locks and then lists sees the
 * lock: `shown(call, (response) => the owner from now on)`.
 */
export function shownAfter(inventory: Inventory) {
  return <Request extends { readonly device: string }, Response>(
    call: Call<Request, Response>,
    ownerIn: (response: Response) => string | undefined,
  ): Call<Request, Response> => {
    return async (request, context) => {
      const response = await call(request, context);
      const owner = ownerIn(response);
      inventory.knock(request.device);
      await inventory.shows(
        request.device,
        (device) => device?.lock?.owner === owner,
        AbortSignal.any([context.signal, AbortSignal.timeout(catchUpMs)]),
      );
      return response;
    };
  };
}
