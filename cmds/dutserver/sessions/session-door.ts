import type { Socket } from "node:net";
import { peerOf } from "#pkg/auth/peer.ts";
import type { Log } from "#pkg/log/log.ts";
import { sparing } from "#pkg/log/sparing.ts";
import type { Metrics } from "#pkg/metrics/metrics.ts";
import type { Guest } from "#pkg/protocol/connection-budget.ts";
import type { Upgrade } from "#pkg/protocol/http1-door.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { plainAddress } from "#pkg/protocol/source.ts";
import { Tunnel } from "#pkg/relay/tunnel.ts";
import { acceptUpgrade, refuseUpgrade, upgrades } from "#pkg/relay/upgrade.ts";
import { fewPerTurn } from "./few-per-turn.ts";
import { Flapping } from "./flapping.ts";
import { Session, type SessionOptions } from "./session.ts";

type DoorOptions = Omit<SessionOptions, "certified" | "guest" | "flapping" | "turn" | "log" | "refusals"> & {
  readonly log: Log;
  readonly metrics: Metrics;
};

/** Where agents dial in. Disposing drops all of them. */
export class SessionDoor implements Disposable {
  readonly #options: DoorOptions;
  /** With the name in their certificates, the oldest first. */
  readonly #sessions = new Map<Session, string | undefined>();
  readonly #flapping = new Flapping();
  /**
   * All agents come at once when the server was away, and clients are to be heard meanwhile. Each takes two turns, to be
   * asked who it is and to be taken in, of half a millisecond.
   */
  readonly #turn = fewPerTurn(8);
  /** Peers that have proved nothing can cause as many lines as they like. */
  readonly #refusals: Log;
  #closing: string | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#refusals = sparing(options.log);
  }

  readonly upgrade: Upgrade = (_, socket, _head, guest) => {
    if (this.#closing !== undefined) {
      refuseUpgrade(socket, 503, this.#closing);
      return;
    }
    void this.#serve(socket, guest);
  };

  /** Takes no more agents, and asks those that are here to go elsewhere; what they have open goes on. */
  sendAway(reason: string): void {
    this.#closing = reason;
    for (const session of this.#sessions.keys()) {
      session.sendAway(reason);
    }
  }

  [Symbol.dispose](): void {
    this.#closing ??= "dutserver is shutting down";
    for (const session of this.#sessions.keys()) {
      session.drop(this.#closing);
    }
  }

  async #serve(socket: Socket, guest: Guest): Promise<void> {
    const remote = socket.remoteAddress === undefined ? "a unix socket" : plainAddress(socket.remoteAddress);
    const log = this.#options.log.with({ remote });
    const refusals = this.#refusals.with({ remote });
    try {
      await acceptUpgrade(socket, upgrades.agent);
    } catch (error) {
      refusals.debug("connection failed", { err: error });
      return;
    }
    guest.examined();
    await this.#turn();
    if (this.#closing !== undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    const certified = certifiedAt(socket);
    if (certified !== undefined) {
      this.#makeRoom(certified.name);
    }
    const session = new Session(new Tunnel(socket, `the agent at ${remote}`), {
      ...this.#options,
      ...{ certified, guest, flapping: this.#flapping, turn: this.#turn, log, refusals },
    });
    this.#sessions.set(session, certified?.name);
    using _ = this.#options.metrics.open("sessions");
    await session.serve();
    this.#sessions.delete(session);
  }

  /** Drops the oldest session of an agent that has as many as one may have. */
  #makeRoom(agent: string): void {
    const own = Array.from(this.#sessions).filter(([, name]) => name === agent);
    if (own.length >= limits.sessionsPerAgent) {
      this.#options.metrics.limitHit("sessions_per_agent");
      own[0]?.[0].drop("the agent has newer sessions");
    }
  }
}

/** What the handshake has proved, where agents show certificates. */
function certifiedAt(socket: Socket): SessionOptions["certified"] {
  const peer = peerOf(socket);
  return peer.kind === "certificate" ? { key: peer.fingerprint, name: peer.name } : undefined;
}
