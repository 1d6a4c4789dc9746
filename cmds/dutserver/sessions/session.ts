import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { keyFingerprint } from "#pkg/auth/fingerprint.ts";
import { DutError, explain, messageOf } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import type { Log } from "#pkg/log/log.ts";
import { clientFor } from "#pkg/protocol/client.ts";
import type { Guest } from "#pkg/protocol/connection-budget.ts";
import {
  type AgentDevices,
  type Hello,
  type OpenRequestSchema,
  type OpenResponse,
  SessionService,
} from "#pkg/protocol/gen/dutlab/v1/session_pb.ts";
import { Feed } from "#pkg/relay/feed.ts";
import { checkSessionProof } from "#pkg/relay/session-proof.ts";
import type { Tunnel } from "#pkg/relay/tunnel.ts";
import type { Agent } from "../agents/callee.ts";
import { dialledAgent } from "../agents/dialled-agent.ts";
import type { Arrival, Attached } from "../registry/agent-book.ts";
import type { DeviceFacts } from "../registry/agent-record.ts";
import type { Registry } from "../registry/registry.ts";
import { type Announcement, parseAnnouncement } from "./announcement.ts";
import type { Flapping } from "./flapping.ts";

type Said = MessageInitShape<typeof OpenRequestSchema>;

/** What an agent gets to say who it is, in milliseconds. */
const helloMs = 10_000;

/** What an agent that said goodbye gets to end what runs, in milliseconds. */
const farewellMs = 30_000;

/** The least time between two announcements of an agent, each of which is written and told to all, in milliseconds. */
const announceEveryMs = 200;

/** How many answers may wait for an agent that does not read. */
const mostUnread = 16;

const namePattern = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export interface SessionOptions {
  readonly registry: Registry;
  /** Who is asking, for people. */
  readonly server: () => string;
  /** Fingerprint of the key that the connection itself has proved, with the name that goes with it. */
  readonly certified: { readonly key: string; readonly name: string } | undefined;
  /** Told when the agent has proved its key, and when it is here and is no guest any more. */
  readonly guest: Pick<Guest, "spoke" | "left">;
  /** Decides about a device that another agent owns. */
  readonly claimable: (device: string, owner: string) => Promise<boolean>;
  /** Counts the sessions of all agents. */
  readonly flapping: Flapping;
  /** Resolves when there is time for an agent. */
  readonly turn: () => Promise<void>;
  /** Resolves when an agent that has come is in every list, with what it says of its devices or why it says nothing. */
  readonly shown: (agent: string) => Promise<void>;
  readonly log: Log;
  /** Where it says that an agent was refused. */
  readonly refusals: Log;
}

/** An agent's session at this server, from its hello to its end. */
export class Session {
  readonly #tunnel: Tunnel;
  readonly #options: SessionOptions;
  readonly #feed = new Feed<Said>();
  #unfit: Announcement["unfit"] = [];
  #isLeaving = false;

  constructor(tunnel: Tunnel, options: SessionOptions) {
    this.#tunnel = tunnel;
    this.#options = options;
  }

  /** Resolves when the session is over and its tunnel is gone. Never rejects: the log has what went wrong. */
  async serve(): Promise<void> {
    const { guest, refusals } = this.#options;
    using tunnel = this.#tunnel;
    const nonce = randomBytes(32);
    this.#feed.push({ msg: { case: "challenge", value: { nonce, server: this.#options.server() } } });
    try {
      const messages = clientFor(SessionService, tunnel, { identity: undefined }).open(this.#feed);
      const incoming = messages[Symbol.asyncIterator]();
      const hello = await helloIn(incoming);
      await this.#options.turn();
      if (!tunnel.usable) {
        throw new DutError("unavailable", "the connection was lost");
      }
      const arrival = this.#arrivalOf(hello, nonce);
      guest.spoke();
      await this.#attend(dialledAgent(arrival.name, tunnel), arrival, incoming);
    } catch (error) {
      refusals.warn("agent refused", { err: explain(error) });
      await this.#refuse(error);
    }
  }

  /** Asks the agent to go elsewhere; what is open goes on. */
  sendAway(reason: string): void {
    this.#isLeaving = true;
    this.#feed.push({ msg: { case: "leave", value: { reason } } });
  }

  drop(reason: string): void {
    this.#tunnel.drop(reason);
  }

  /** Throws unauthenticated for an agent that cannot prove its key, invalid_argument for a name that is none. */
  #arrivalOf(hello: Hello, nonce: Uint8Array): Arrival {
    const { agent: name, bootId, publicKey, signature, version, lockFence, devices } = hello;
    const { certified } = this.#options;
    if (!namePattern.test(name)) {
      throw new DutError("invalid_argument", `${quote(name)} is no name for an agent`, {
        hint: "small letters, digits, dots, dashes and underscores, at most 64",
      });
    }
    if (certified !== undefined && certified.name !== name) {
      throw new DutError("permission_denied", `agent ${quote(name)} shows the certificate of ${quote(certified.name)}`);
    }
    if (certified === undefined) {
      checkSessionProof({ nonce, agent: name, bootId }, publicKey, signature);
    }
    const key = certified?.key ?? keyFingerprint(publicKey);
    const address = "";
    return { name, key, address, version, bootId, fence: Number(lockFence), devices: this.#read(devices) };
  }

  async #attend(agent: Agent, arrival: Arrival, incoming: AsyncIterator<OpenResponse>): Promise<void> {
    const { registry, guest, claimable, flapping, shown } = this.#options;
    const { name } = agent;
    const log = this.#options.log.with({ agent: name });
    const welcome = ({ epoch, refused }: Attached) => {
      for (const { name: device, reason } of refused) {
        log.warn("device refused", { device, reason, key: arrival.key });
      }
      if (this.#feed.waiting > mostUnread) {
        this.#tunnel.drop("the agent does not take what it is told");
      }
      const left = [...this.#unfit, ...refused];
      this.#feed.push({ msg: { case: "accepted", value: { epoch: BigInt(epoch), refused: left } } });
    };
    const presence = { agent, superseded: (reason: string) => this.#supersede(reason), reviewed: welcome };
    const attached = await registry.attach(arrival, presence, claimable);
    guest.left();
    log.info("agent attached", { epoch: attached.epoch, devices: arrival.devices.length, key: arrival.key });
    flapping.came(name, this.#options.log);
    await shown(name);
    welcome(attached);
    let farewell: string | undefined;
    try {
      for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
        const { msg } = next.value;
        if (msg.case === "devices") {
          await this.#announce(name, attached.epoch, { devices: this.#read(msg.value), welcome, log });
          await wait(announceEveryMs, undefined, { ref: false });
        } else if (msg.case === "goodbye") {
          farewell = msg.value.reason;
          await registry.detach(name, attached.epoch, flapping.explained(name, farewell));
        }
      }
    } catch (error) {
      log.debug("session broken", { err: messageOf(error) });
    }
    this.#feed.end();
    const reason = await this.#last(farewell);
    log.info("agent lost", { epoch: attached.epoch, reason });
    await registry.detach(name, attached.epoch, flapping.explained(name, reason));
  }

  /** What of an announcement can be listed; the rest is told with the next answer. */
  #read(announced: AgentDevices | undefined): readonly DeviceFacts[] {
    const { devices, unfit } = parseAnnouncement(announced);
    this.#unfit = unfit;
    return devices;
  }

  /** A store that takes nothing now is told later, and the session goes on with the devices of before. */
  async #announce(
    name: string,
    epoch: number,
    { devices, welcome, log }: { devices: readonly DeviceFacts[]; welcome: (attached: Attached) => void; log: Log },
  ): Promise<void> {
    const names = devices.map((device) => device.name);
    try {
      welcome(await this.#options.registry.announce(name, epoch, devices));
      log.info("devices changed", { devices: names });
    } catch (error) {
      if (!(error instanceof DutError) || !["resource_exhausted", "unavailable"].includes(error.code)) {
        throw error;
      }
      log.warn("devices not changed", { devices: names, err: explain(error) });
    }
  }

  /** Waits for the end of the connection, and says why it ended. An agent that said goodbye ends what runs there first. */
  async #last(farewell: string | undefined): Promise<string> {
    const patience = new AbortController();
    const late = wait(farewell === undefined ? 0 : farewellMs, undefined, { signal: patience.signal });
    late.then(
      () => this.#tunnel.drop("the agent ended the session"),
      () => {},
    );
    const reason = await this.#tunnel.closed;
    patience.abort();
    return farewell ?? reason;
  }

  /** A session that is told to leave is superseded because it obeyed, and its open runs may end in peace. */
  #supersede(reason: string): void {
    if (!this.#isLeaving) {
      this.#tunnel.drop(reason);
    }
  }

  async #refuse(error: unknown): Promise<void> {
    const fault = error instanceof DutError ? error : new DutError("internal", messageOf(error), { cause: error });
    this.#feed.push({ msg: { case: "refusal", value: { code: fault.code, message: explain(fault) } } });
    this.#feed.end();
    // The agent hangs up when it has read it.
    await Promise.race([this.#tunnel.closed, wait(1_000, undefined, { ref: false })]);
  }
}

async function helloIn(incoming: AsyncIterator<OpenResponse>): Promise<Hello> {
  const patience = new AbortController();
  const late = wait(helloMs, undefined, { signal: patience.signal }).then(() => {
    throw new DutError("deadline_exceeded", `no hello within ${helloMs / 1000} s`);
  });
  late.catch(() => {});
  try {
    const { value } = await Promise.race([incoming.next(), late]);
    if (value?.msg.case !== "hello") {
      throw new DutError("invalid_argument", "a session begins with a hello");
    }
    return value.msg.value;
  } finally {
    patience.abort();
  }
}
