import { Auth } from "#pkg/protocol/gen/etcdserverpb/etcd_pb.ts";
import { callUnary } from "#pkg/protocol/grpc/call.ts";
import type { Streams } from "#pkg/protocol/streams.ts";
import { hasNoUsers } from "./etcd-fault.ts";

/** etcd compares passwords slowly on purpose. */
const authenticateMs = 10_000;

type Headers = Readonly<Record<string, string>>;

/** What shows etcd who calls: asked for with the password once, and again when it is over. Every member takes it. */
export class Token {
  readonly #credentials: { readonly name: string; readonly password: string };
  #headers: Promise<Headers> | undefined;

  constructor(credentials: { readonly name: string; readonly password: string }) {
    this.#credentials = credentials;
  }

  /** The headers of a call; none while etcd has no users. */
  async headers(peer: Streams): Promise<Headers> {
    this.#headers ??= this.#authenticate(peer);
    return this.#headers;
  }

  /** The headers of another try after etcd has refused `stale`: new ones, unless somebody has asked for those already. */
  async renewed(peer: Streams, stale: Headers): Promise<Headers> {
    if ((await this.#headers) === stale) {
      this.#headers = undefined;
    }
    return this.headers(peer);
  }

  async #authenticate(peer: Streams): Promise<Headers> {
    try {
      const { token } = await callUnary(peer, Auth.method.authenticate, this.#credentials, {
        timeoutMs: authenticateMs,
      });
      return { token };
    } catch (error) {
      if (hasNoUsers(error)) {
        return {};
      }
      this.#headers = undefined;
      throw error;
    }
  }
}
