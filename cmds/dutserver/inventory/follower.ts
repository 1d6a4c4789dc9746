import type { Device } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Callee } from "../agents/callee.ts";
import { dropped, offline } from "./devices-of.ts";
import { Door } from "./door.ts";
import { newsOf, type Pace } from "./news-of.ts";

/** What is known of the devices. */
type Knowledge =
  | { readonly kind: "nothing" }
  | { readonly kind: "devices"; readonly devices: Map<string, Device> }
  | { readonly kind: "fault"; readonly reason: string; readonly since: number };

/** Keeps what an agent, or another server, says of its devices, from now until it is disposed. */
export class Follower implements Disposable {
  readonly callee: Callee;
  /** Resolves when something is known, be it that there is no answer, and when it is disposed. */
  readonly known: Promise<void>;
  readonly #end = new AbortController();
  readonly #door = new Door();
  #knowledge: Knowledge = { kind: "nothing" };

  /** `changed` is told the device that is another now, or undefined for all of them. */
  constructor(callee: Callee, pace: Pace, changed: (device: string | undefined) => void) {
    this.callee = callee;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.known = promise;
    const tell = (device: string | undefined) => {
      clearTimeout(patience);
      resolve();
      changed(device);
    };
    const patience = setTimeout(() => {
      const reason = `${callee.title} has not answered the server yet`;
      this.#knowledge = { kind: "fault", reason, since: Date.now() };
      tell(undefined);
    }, pace.firstMs);
    this.#end.signal.addEventListener("abort", () => {
      clearTimeout(patience);
      resolve();
    });
    void this.#follow(pace, tell);
  }

  /** Nothing is known yet. */
  get isNew(): boolean {
    return this.#knowledge.kind === "nothing";
  }

  /** A registered device as it is now; undefined as long as nothing is known. */
  device(name: string): Device | undefined {
    switch (this.#knowledge.kind) {
      case "nothing":
        return undefined;
      case "devices":
        return this.#knowledge.devices.get(name) ?? offline(name, dropped(this.callee));
      case "fault":
        return offline(name, this.#knowledge.reason, this.#knowledge.since);
    }
  }

  /** There may well be an answer now, or another one than before. */
  knock(): void {
    this.#door.knock();
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }

  async #follow(pace: Pace, changed: (device: string | undefined) => void): Promise<void> {
    for await (const news of newsOf(this.callee, { pace, signal: this.#end.signal, door: this.#door })) {
      switch (news.kind) {
        case "all":
          this.#knowledge = { kind: "devices", devices: new Map(news.devices.map((device) => [device.name, device])) };
          changed(undefined);
          break;
        case "fault":
          this.#knowledge =
            this.#knowledge.kind === "fault"
              ? { ...news, since: this.#knowledge.since }
              : { ...news, since: Date.now() };
          changed(undefined);
          break;
        default:
          changed(this.#correct(news));
      }
    }
  }

  /** Takes over one device's change and returns its name. */
  #correct(news: { kind: "changed"; device: Device } | { kind: "removed"; name: string }): string {
    if (this.#knowledge.kind !== "devices") {
      this.#knowledge = { kind: "devices", devices: new Map() };
    }
    if (news.kind === "removed") {
      this.#knowledge.devices.delete(news.name);
      return news.name;
    }
    this.#knowledge.devices.set(news.device.name, news.device);
    return news.device.name;
  }
}
