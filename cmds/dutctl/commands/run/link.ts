import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RunRequestSchema } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { abortable } from "./abortable.ts";
import { SendQueue } from "./send-queue.ts";

export type Message = NonNullable<MessageInitShape<typeof RunRequestSchema>["msg"]>;

/** One connection of a run: what is sent by it is gone when it breaks. */
export class Link implements Disposable {
  readonly #gone = new AbortController();
  readonly queue: SendQueue<MessageInitShape<typeof RunRequestSchema>>;
  /** Whether the transport has taken the first message: from then on nobody knows what the peer has begun. */
  begun = false;

  /** The first message names the device, the others need not. */
  constructor(device: string, first: Message) {
    this.queue = new SendQueue(this.#gone.signal);
    void this.queue.send({ device, msg: first }).then(() => {
      this.begun = true;
    });
  }

  /** Aborted when the connection is no longer used. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Sends when the transport gets to it. */
  send(msg: Message): void {
    void this.queue.send({ msg });
  }

  /** A way to wait that ends with the link, by rejecting. For one loop. */
  patience(): <T>(work: Promise<T>) => Promise<T> {
    return abortable(this.signal);
  }

  [Symbol.dispose](): void {
    this.#gone.abort(new Error("the connection of the run is no longer used"));
  }
}
