import { EventEmitter } from "node:events";
import type { Device } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Agent } from "../registry.ts";
import { dropped, offline } from "./devices-of.ts";
import { newsOf, type Pace } from "./news-of.ts";

/** What is known of an agent's devices. */
type Knowledge =
  | { readonly kind: "nothing" }
  | { readonly kind: "devices"; readonly devices: Map<string, Device> }
  | { readonly kind: "fault"; readonly reason: string };

/** Keeps what one agent says of its devices, from now until it is disposed. */
export class AgentFollower implements Disposable {
  readonly agent: Agent;
  /** Resolves when something is known, be it that the agent does not answer. */
  readonly known: Promise<void>;
  readonly #end = new AbortController();
  readonly #door = new EventEmitter();
  #knowledge: Knowledge = { kind: "nothing" };

  /** `changed` is told the device that is another now, or undefined for all of them. */
  constructor(agent: Agent, pace: Pace, changed: (device: string | undefined) => void) {
    this.agent = agent;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.known = promise;
    void this.#follow(pace, (device) => {
      resolve();
      changed(device);
    });
  }

  /** A registered device as it is now; undefined as long as nothing is known. */
  device(name: string): Device | undefined {
    switch (this.#knowledge.kind) {
      case "nothing":
        return undefined;
      case "devices":
        return this.#knowledge.devices.get(name) ?? offline(name, dropped(this.agent));
      case "fault":
        return offline(name, this.#knowledge.reason);
    }
  }

  /** The agent may well answer now. */
  knock(): void {
    this.#door.emit("knock");
  }

  [Symbol.dispose](): void {
    this.#end.abort();
  }

  async #follow(pace: Pace, changed: (device: string | undefined) => void): Promise<void> {
    for await (const news of newsOf(this.agent, { pace, signal: this.#end.signal, door: this.#door })) {
      switch (news.kind) {
        case "all":
          this.#knowledge = { kind: "devices", devices: new Map(news.devices.map((device) => [device.name, device])) };
          changed(undefined);
          break;
        case "fault":
          this.#knowledge = news;
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
