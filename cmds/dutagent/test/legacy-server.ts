import { EventEmitter, once } from "node:events";
import { silentLog } from "#pkg/log/log.ts";
import { type Address, parseAddress } from "#pkg/protocol/address.ts";
import { RelayService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { listen } from "#pkg/protocol/listener.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";

/** A server that knows registrations of an address and nothing else. */
export interface LegacyServer extends AsyncDisposable {
  readonly address: Address;
  readonly registrations: readonly { readonly devices: readonly string[]; readonly address: string }[];
  /** What it does with a registration; takes it by default. */
  answer: () => Promise<void>;
  /** Resolves when it has been told so many times. */
  asked(times: number): Promise<void>;
}

export async function openLegacyServer(): Promise<LegacyServer> {
  const told = new EventEmitter<{ asked: [] }>();
  const registrations: { devices: string[]; address: string }[] = [];
  const handler = rpcHandler(
    (router) =>
      router.service(RelayService, {
        async register({ devices, address }) {
          registrations.push({ devices, address });
          told.emit("asked");
          await server.answer();
          return {};
        },
      }),
    { self: "dutserver", log: silentLog },
  );
  const listener = await listen(parseAddress("localhost:0"), handler, { log: silentLog, insecure: false });
  const server: LegacyServer = {
    address: listener.address,
    registrations,
    answer: async () => {},
    async asked(times) {
      while (registrations.length < times) {
        await once(told, "asked");
      }
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
  return server;
}
