import type { Address } from "#pkg/protocol/address.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { type Agent, titleOf } from "./callee.ts";

/**
 * An agent that registered an address, which is dialled. Every run has a connection of its own: what one client does to
 * it, by not reading or by resetting, is counted and held back there, and costs no other run of that agent anything.
 */
export function registeredAgent(name: string, target: Address): Agent & Disposable {
  const connection = connectTo(target, { identity: undefined, pingWhenIdle: true });
  return {
    name,
    title: titleOf(name),
    clients: connection,
    openForRun: () => new Http2Session(target, { pingWhenIdle: false, streamWindowBytes: limits.relayWindowBytes }),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}
