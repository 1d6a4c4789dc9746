import type { MessageInitShape } from "@bufbuild/protobuf";
import { DutError, type DutErrorCode, dutErrorCodes } from "#pkg/errors/dut-error.ts";
import type { Log } from "#pkg/log/log.ts";
import {
  type Accepted,
  type OpenRequest,
  type OpenResponseSchema,
  SessionService,
} from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { type HttpHandler, rpcHandler } from "#pkg/protocol/rpc-handler.ts";
import { Feed } from "#pkg/relay/feed.ts";
import { devicesOf, helloOf, type Self } from "./self.ts";

type Said = MessageInitShape<typeof OpenResponseSchema>;

/** The agent's side of the session with a server that it has dialled. */
export class AgentSession {
  /** Resolves with the epoch when the server has taken the agent; rejects with its refusal. */
  readonly accepted: Promise<bigint>;
  /** Resolves with the reason when the server wants the agent elsewhere. */
  readonly sentAway: Promise<string>;
  readonly #self: Self;
  readonly #log: Log;
  readonly #feed = new Feed<Said>();
  readonly #accepted = Promise.withResolvers<bigint>();
  readonly #sentAway = Promise.withResolvers<string>();
  #told = "";
  /** Names of devices that the server does not take, as they were logged. */
  #refused = "";

  constructor(self: Self, log: Log) {
    this.#self = self;
    this.#log = log;
    this.accepted = this.#accepted.promise;
    // A connection may be gone before anybody waits for the verdict.
    this.accepted.catch(() => {});
    this.sentAway = this.#sentAway.promise;
  }

  /** What is served to the server: the session, and what everybody is served. */
  handler(common: HttpHandler): HttpHandler {
    const session = rpcHandler(
      (router) => {
        router.service(SessionService, { open: (requests) => this.#open(requests) });
      },
      { self: "agent", log: this.#log },
    );
    const prefix = `/${SessionService.typeName}/`;
    return (request, response) => (request.url?.startsWith(prefix) ? session : common)(request, response);
  }

  /** Tells the server that the agent is about to stop. */
  goodbye(reason: string): void {
    this.#feed.push({ msg: { case: "goodbye", value: { reason } } });
    this.#feed.end();
  }

  /** The connection is gone, or was never made: what is still waited for fails. */
  end(reason: string): void {
    this.#feed.end();
    this.#accepted.reject(new DutError("unavailable", reason));
  }

  async *#open(requests: AsyncIterable<OpenRequest>): AsyncGenerator<Said> {
    const incoming = requests[Symbol.asyncIterator]();
    const { value: first } = await incoming.next();
    if (first?.msg.case !== "challenge") {
      throw new DutError("invalid_argument", "a session begins with a challenge");
    }
    using _ = this.#self.bench.onChange(() => this.#tellDevices());
    const hello = helloOf(this.#self, first.msg.value.nonce);
    this.#told = textOf(hello.devices?.devices ?? []);
    yield { msg: { case: "hello", value: hello } };
    void this.#hear(incoming);
    yield* this.#feed;
  }

  #tellDevices(): void {
    const devices = devicesOf(this.#self);
    const text = textOf(devices);
    if (text !== this.#told) {
      this.#told = text;
      this.#feed.push({ msg: { case: "devices", value: { devices } } });
    }
  }

  async #hear(incoming: AsyncIterator<OpenRequest>): Promise<void> {
    try {
      for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
        this.#take(next.value);
      }
      this.end("the server ended the session");
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  #take({ msg }: OpenRequest): void {
    switch (msg.case) {
      case "accepted":
        this.#accepted.resolve(msg.value.epoch);
        this.#logRefused(msg.value);
        break;
      case "refusal":
        this.#accepted.reject(new DutError(codeOf(msg.value.code), msg.value.message));
        break;
      case "leave":
        this.#sentAway.resolve(msg.value.reason);
        break;
    }
  }

  #logRefused({ refused }: Accepted): void {
    const text = refused.map(({ name, reason }) => `${name}: ${reason}`).join("\n");
    if (text !== this.#refused) {
      this.#refused = text;
      for (const { name, reason } of refused) {
        this.#log.error("device not taken by the server", { device: name, err: reason });
      }
    }
  }
}

function textOf(devices: ReturnType<typeof devicesOf>): string {
  return JSON.stringify(devices);
}

function codeOf(text: string): DutErrorCode {
  return dutErrorCodes.find((code) => code === text) ?? "unknown";
}
