import { messageOf } from "#pkg/errors/dut-error.ts";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import { History } from "./history.ts";
import { KeptPort, type PortKeeper, type PortUser } from "./kept-port.ts";
import { News } from "./news.ts";
import type { CommonPlan, RecordTo } from "./plan.ts";
import { type Connection, PortReader, type Source } from "./port-reader.ts";
import { RecordFiles } from "./record-files.ts";
import { Secrets } from "./secrets.ts";

/** A run's place at a port, until it is disposed. */
export interface PortUse extends AsyncDisposable {
  readonly reader: PortReader;
  /** Whether it is the one that may write. */
  readonly isWriting: boolean;
  /** Only looks from now on. */
  stopWriting(): Promise<void>;
}

interface SharedPortOptions {
  readonly path: string;
  /** Whose settings the port has until a run that writes brings others. */
  readonly user: PortUser;
  readonly plan: CommonPlan;
  readonly host: Host;
  readonly log: Log;
  /** Has others close the device that this port leads to, if they can. */
  freeDevice(port: SharedPort): Promise<void>;
}

/**
 * One serial port of a computer, with everything that it said lately. While it is recorded it is open as long as the
 * device is there, and open again when it comes back; other programs that ask for it get it unless a run writes to it.
 * While it is not, it is open as long as somebody reads. Disposing closes it.
 */
export class SharedPort implements Source, PortKeeper, AsyncDisposable {
  readonly path: string;
  readonly history: History;
  readonly news = new News();
  readonly secrets = new Secrets();
  readonly #host: Host;
  readonly #log: Log;
  readonly #freeDevice: (port: SharedPort) => Promise<void>;
  readonly #readers = new Set<PortReader>();
  readonly #kept: KeptPort;
  #record: RecordTo = { kind: "memory" };
  #files: RecordFiles | undefined;

  constructor({ path, user, plan, host, log, freeDevice }: SharedPortOptions) {
    this.path = path;
    this.#host = host;
    this.#log = log;
    this.#freeDevice = freeDevice;
    this.history = new History(plan.history);
    this.follow(plan);
    this.#kept = new KeptPort(this, user, host.serialPorts, log);
  }

  get connection(): Connection | undefined {
    return this.#kept.connection;
  }

  get over(): AbortSignal {
    return this.#kept.over;
  }

  get isRecorded(): boolean {
    return this.#record.kind !== "off";
  }

  get isInUse(): boolean {
    return this.#readers.size > 0;
  }

  /** Records as is wanted now. */
  follow({ history, record }: CommonPlan): void {
    if (history > this.history.capacity) {
      this.history.grow(history);
    }
    this.#record = record;
    if (record.kind === "directory") {
      this.#files ??= new RecordFiles(this.path, record, this.secrets, this.#host.files, this.#log);
    }
  }

  /** Has the line as this user wants it, until a run that writes brings other settings. */
  async settle(user: PortUser): Promise<void> {
    try {
      await this.#kept.serve(user);
    } catch (error) {
      this.#log.warn(messageOf(error));
    }
  }

  /** Reads what is kept, without the device, from so many lines before its end. */
  look(lines: number): PortReader {
    const reader = new PortReader(this, this.history.startOfLast(lines));
    this.#readers.add(reader);
    return reader;
  }

  /**
   * A run that writes, from so many lines before the end of the history: with the settings that it wants, which then
   * stay, and other programs kept away. The port waits for this reader. Throws as opening a port does.
   */
  async write(user: PortUser, lines: number): Promise<PortUse> {
    await using entered = new AsyncDisposableStack();
    entered.defer(() => this.#closeUnlessWanted());
    const reader = entered.use(this.look(lines));
    reader.isWaitedFor = true;
    const claim = entered.use(this.#kept.claims.enter());
    await this.#freeDeviceIfAway();
    await this.#kept.serve(user);
    const connection = await this.#kept.connect();
    await this.#kept.claims.takeFor(connection.port);
    reader.follow(connection);
    const release = entered.move();
    return {
      reader,
      get isWriting() {
        return reader.isWaitedFor;
      },
      async stopWriting() {
        reader.isWaitedFor = false;
        await claim[Symbol.asyncDispose]();
      },
      [Symbol.asyncDispose]: () => release.disposeAsync(),
    };
  }

  /** A run that only looks: the port is as it is, and does not wait. Throws as opening a port does. */
  async watch(lines: number): Promise<PortUse> {
    await using entered = new AsyncDisposableStack();
    entered.defer(() => this.#closeUnlessWanted());
    const reader = entered.use(this.look(lines));
    await this.#freeDeviceIfAway();
    reader.follow(await this.#kept.connect());
    const release = entered.move();
    return {
      reader,
      isWriting: false,
      stopWriting: async () => {},
      [Symbol.asyncDispose]: () => release.disposeAsync(),
    };
  }

  /** Closes the port if only the recording has it. */
  async stepAside(): Promise<void> {
    if (!this.isInUse) {
      await this.#kept.disconnect();
    }
  }

  leave(reader: PortReader): void {
    this.#readers.delete(reader);
    this.news.tell();
  }

  opened(): void {
    this.#files?.note("connected");
    this.news.tell();
  }

  async received(bytes: Uint8Array): Promise<void> {
    while (this.#wouldBeMissed(bytes.length)) {
      await this.news.wait(this.over);
    }
    this.history.append(bytes);
    this.#files?.write(bytes);
    this.news.tell();
  }

  closed(connection: Connection, error: unknown): void {
    connection.ended = { offset: this.history.end, error };
    this.#files?.note(`disconnected: ${messageOf(error)}`);
    this.news.tell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kept[Symbol.asyncDispose]();
    await this.#files?.[Symbol.asyncDispose]();
  }

  /** Whether a reader that is waited for would miss something if so many bytes more were kept. */
  #wouldBeMissed(bytes: number): boolean {
    const oldest = this.history.end + bytes - this.history.capacity;
    return Array.from(this.#readers).some(({ isWaitedFor, offset }) => isWaitedFor && offset < oldest);
  }

  async #freeDeviceIfAway(): Promise<void> {
    if (this.connection === undefined) {
      await this.#freeDevice(this);
    }
  }

  async #closeUnlessWanted(): Promise<void> {
    if (!this.isRecorded) {
      await this.stepAside();
    }
  }
}
