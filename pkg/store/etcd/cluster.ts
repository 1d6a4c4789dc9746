import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { DutError, explain } from "#pkg/errors/dut-error.ts";
import { type Address, formatAddress } from "#pkg/protocol/address.ts";
import type { ClientTls } from "#pkg/protocol/dial.ts";
import { callStream, callUnary } from "#pkg/protocol/grpc/call.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { etcdFault, isFinal, isOut, isTokenOver, wasNotMade } from "./etcd-fault.ts";
import { Token } from "./token.ts";

/** What one member may take to answer. An election takes 1 to 2 s, and its requests wait for that. */
const attemptMs = 4_000;

/** etcd ends connections that are pinged more often than every 5 s. */
const pingIntervalMs = 6_000;

const readMaxBytes = limits.storeMessageBytes;

type MethodOf<Input extends DescMessage, Output extends DescMessage> = DescMethod & {
  readonly input: Input;
  readonly output: Output;
};

export interface ClusterOptions {
  readonly members: readonly [Address, ...Address[]];
  readonly tls: ClientTls | undefined;
  readonly credentials: { readonly name: string; readonly password: string } | undefined;
  /** Told why nothing can be reached or changed. */
  readonly onTrouble: (reason: string) => void;
}

export interface CallOptions {
  /** Whether the request may be made twice when nobody knows what has become of it. */
  readonly repeatable: boolean;
  readonly signal?: AbortSignal;
  /** What one member may take, in milliseconds. */
  readonly timeoutMs?: number;
}

/** The members of an etcd, of which one is spoken to until it fails. */
export class Cluster implements Disposable {
  readonly #options: ClusterOptions;
  readonly #sessions: readonly Http2Session[];
  readonly #token: Token | undefined;
  #chosen = 0;

  constructor(options: ClusterOptions) {
    const { members, tls, credentials } = options;
    this.#options = options;
    this.#sessions = members.map((address) => new Http2Session(address, { pingWhenIdle: false, pingIntervalMs, tls }));
    this.#token = credentials && new Token(credentials);
  }

  /** Every member, as it is written. */
  get addresses(): string {
    return this.#options.members.map(formatAddress).join(", ");
  }

  /**
   * One answer to one request, by the first member that gives one. Throws unavailable when none does, or when it is not
   * known whether a request that must not be repeated was served; resource_exhausted, permission_denied, and what else
   * etcd says.
   */
  async call<Input extends DescMessage, Output extends DescMessage>(
    method: MethodOf<Input, Output>,
    request: MessageInitShape<Input>,
    { repeatable, signal, timeoutMs = attemptMs }: CallOptions,
  ): Promise<MessageShape<Output>> {
    for (let attempt = 1; ; attempt += 1) {
      const chosen = this.#chosen;
      const session = this.#sessions[chosen] as Http2Session;
      const options = { timeoutMs, readMaxBytes, ...(signal === undefined ? {} : { signal }) };
      try {
        return await this.#withToken(session, (headers) =>
          callUnary(session, method, request, { ...options, headers }),
        );
      } catch (error) {
        if (signal?.aborted === true || !isOut(error)) {
          throw this.#noted(etcdFault(error));
        }
        this.#leave(chosen);
        if (attempt >= this.#sessions.length || !(repeatable || wasNotMade(error))) {
          throw this.#noted(this.#unreachable(error));
        }
      }
    }
  }

  /**
   * The answers to a request that is never complete, from one member, until that fails in whatever way, which throws
   * unavailable, or the signal aborts, which throws its reason. Throws what no other member can help with as it is.
   */
  async *stream<Input extends DescMessage, Output extends DescMessage>(
    method: MethodOf<Input, Output>,
    request: MessageInitShape<Input>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageShape<Output>> {
    const chosen = this.#chosen;
    const session = this.#sessions[chosen] as Http2Session;
    async function* requests() {
      yield request;
      await aborted(signal);
    }
    try {
      const headers = { ...(await this.#token?.headers(session)), hasleader: "true" };
      yield* callStream(session, method, requests(), { readMaxBytes, signal, headers });
      throw new DutError("unavailable", `etcd ended ${method.name}`);
    } catch (error) {
      if (signal.aborted || isFinal(error)) {
        throw this.#noted(etcdFault(error));
      }
      this.#leave(chosen);
      throw this.#noted(this.#unreachable(error));
    }
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) {
      session[Symbol.dispose]();
    }
  }

  async #withToken<T>(
    session: Http2Session,
    call: (headers: Readonly<Record<string, string>>) => Promise<T>,
  ): Promise<T> {
    const token = this.#token;
    if (token === undefined) {
      return call({});
    }
    const headers = await token.headers(session);
    try {
      return await call(headers);
    } catch (error) {
      if (!isTokenOver(error)) {
        throw error;
      }
      return call(await token.renewed(session, headers));
    }
  }

  /** Goes on with the next member, unless another call has done so already. */
  #leave(index: number): void {
    if (this.#chosen === index) {
      this.#chosen = (index + 1) % this.#sessions.length;
    }
  }

  #unreachable(error: unknown): DutError {
    return new DutError("unavailable", `etcd at ${this.addresses} does not answer: ${explain(error)}`, {
      cause: error,
    });
  }

  #noted(error: unknown): unknown {
    if (error instanceof DutError && ["unavailable", "resource_exhausted"].includes(error.code)) {
      this.#options.onTrouble(error.message);
    }
    return error;
  }
}

/** Resolves when a signal aborts. */
async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
