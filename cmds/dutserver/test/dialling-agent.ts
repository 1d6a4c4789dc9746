import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { silentLog } from "#pkg/log/log.ts";
import { parseAddress } from "#pkg/protocol/address.ts";
import {
  type Accepted,
  type HelloSchema,
  type OpenRequest,
  type OpenResponseSchema,
  type Refusal,
  SessionService,
} from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { dialOut } from "#pkg/relay/dial-out.ts";
import { Feed } from "#pkg/relay/feed.ts";
import { sessionProof } from "#pkg/relay/session-proof.ts";

type Said = MessageInitShape<typeof OpenResponseSchema>;
type Heard = OpenRequest["msg"];

/** Keys of agents, which a test may give to another agent. */
export function newKey(): KeyObject {
  return generateKeyPairSync("ed25519").privateKey;
}

export interface DiallingOptions {
  readonly name: string;
  readonly devices: readonly string[];
  readonly key?: KeyObject;
  readonly routes?: (router: ConnectRouter) => void;
  /** Changes the hello on its way. */
  readonly lie?: (hello: MessageInitShape<typeof HelloSchema>) => MessageInitShape<typeof HelloSchema>;
}

/** An agent that dials in by the protocol's description alone. Disposing hangs up. */
export interface DiallingAgent extends Disposable {
  /** The next thing that the server says. */
  next(): Promise<Heard>;
  announce(...devices: readonly string[]): void;
  goodbye(reason: string): void;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
}

export async function dialIn(address: string, options: DiallingOptions): Promise<DiallingAgent> {
  const { name, devices, key = newKey(), routes = () => {}, lie = (hello) => hello } = options;
  const out = new Feed<Said>();
  const heard = new Feed<Heard>();
  const publicKey = publicKeyOf(key);
  const announcement = (names: readonly string[]) => ({
    devices: names.map((device) => ({ name: device, description: `the ${device}` })),
  });
  async function* open(requests: AsyncIterable<OpenRequest>): AsyncGenerator<Said> {
    const incoming = requests[Symbol.asyncIterator]();
    const { value: first } = await incoming.next();
    const nonce = first?.msg.case === "challenge" ? first.msg.value.nonce : Buffer.alloc(0);
    const bootId = "boot";
    const signature = sign(null, sessionProof({ nonce, agent: name, bootId }), key);
    const hello = { agent: name, version: "1.0.0-alpha.1+test", bootId, publicKey, signature };
    yield { msg: { case: "hello", value: lie({ ...hello, devices: announcement(devices) }) } };
    void (async () => {
      for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
        heard.push(next.value.msg);
      }
    })().catch(() => {});
    yield* out;
  }
  const handler = rpcHandler(
    (router) => {
      router.service(SessionService, { open });
      routes(router);
    },
    { self: "agent", log: silentLog },
  );
  const connection = await dialOut(parseAddress(address), handler, {
    tls: undefined,
    signal: new AbortController().signal,
    log: silentLog,
  });
  const messages = heard[Symbol.asyncIterator]();
  void connection.closed.then(() => {
    out.end();
    heard.end();
  });
  return {
    async next() {
      const { value, done } = await messages.next();
      return done === true ? { case: undefined } : value;
    },
    announce: (...names) => out.push({ msg: { case: "devices", value: announcement(names) } }),
    goodbye(reason) {
      out.push({ msg: { case: "goodbye", value: { reason } } });
      out.end();
    },
    closed: connection.closed,
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

/** What the server said when it took an agent, or did not. */
export function verdictOf(heard: Heard): Accepted | Refusal {
  if (heard.case !== "accepted" && heard.case !== "refusal") {
    throw new Error(`the server said ${heard.case}`);
  }
  return heard.value;
}

function publicKeyOf(key: KeyObject): Buffer {
  const jwk = key.export({ format: "jwk" });
  // RFC 8410, section 4: what stands before the 32 bytes of an Ed25519 key.
  return Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(jwk.x ?? "", "base64url")]);
}
