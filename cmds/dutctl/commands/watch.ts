import type { Invocation } from "../grammar.ts";
import type { DeviceEvent } from "../output/content.ts";
import type { Context } from "./context.ts";
import { Contact } from "./lasting-events.ts";

/** Shows devices and every change until the user stops it; a connection that was there and is lost is made again. */
export async function watch({ device }: Invocation & { name: "watch" }, context: Context): Promise<void> {
  const { server, out, world } = context;
  const metadata = { server, msg: "Watch Response", ...(device === undefined ? {} : { device }) };
  const contact = new Contact({
    lost: ({ message }) =>
      out.write({ type: "notice", data: `lost the connection to ${server} (${message}); trying again` }),
    found: () => out.write({ type: "notice", data: `connected to ${server} again` }),
  });
  let last: DeviceEvent | undefined;
  const show = async (event: DeviceEvent) => out.write({ type: "device-event", data: event, metadata });
  const drawsTable = out.format === "text" && world.stdout.isTerminal;
  using _ = drawsTable
    ? world.terminal?.onResize(() => {
        if (last !== undefined) {
          // A terminal that has gone is told by the next event.
          void show(last).catch(() => {});
        }
      })
    : undefined;
  for await (const event of contact.events(device, context, world.signal)) {
    last = event;
    await show(event);
  }
}
