import { setTimeout } from "node:timers/promises";
import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { LineSettings, SerialPort, SerialPorts } from "#pkg/host/serial-ports.ts";
import type { Log } from "#pkg/log/log.ts";
import { PortClaims } from "./port-claims.ts";
import type { Connection } from "./port-reader.ts";

/** How often a device that is not there is looked for, and whether another program wants the one that is. */
const lookEveryMs = 250;

/** The same when the device is there and does not work: each try starts a program. */
const retryAtMostMs = 10_000;

/** What somebody wants of the line. */
export interface PortUser extends LineSettings {
  /** Output lines at the opening; one that is undefined is as the driver sets it. */
  readonly lines: { readonly dtr?: boolean | undefined; readonly rts?: boolean | undefined };
}

/** Whom a port is kept open for. */
export interface PortKeeper {
  readonly path: string;
  /** Whether it is to be open all the time, and others may have it while nobody claims it. */
  readonly isRecorded: boolean;
  /** Whether somebody has a use for it now. */
  readonly isInUse: boolean;
  opened(connection: Connection): void;
  /** The port is not read on before this resolves. */
  received(bytes: Uint8Array): Promise<void>;
  /** What the port said until then has been received. */
  closed(connection: Connection, error: unknown): void;
}

/** A port that is opened again whenever its device is there, as long as its keeper wants it. Disposing closes it. */
export class KeptPort implements AsyncDisposable {
  readonly #keeper: PortKeeper;
  readonly #serialPorts: SerialPorts;
  readonly #log: Log;
  readonly #over = new AbortController();
  readonly #keeping: Promise<void>;
  readonly claims: PortClaims;
  #user: PortUser;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #reading: Promise<void> = Promise.resolve();
  #complaint: string | undefined;

  /** Begins at once. */
  constructor(keeper: PortKeeper, user: PortUser, serialPorts: SerialPorts, log: Log) {
    this.#keeper = keeper;
    this.#user = user;
    this.#serialPorts = serialPorts;
    this.#log = log;
    this.claims = new PortClaims(log);
    this.#keeping = this.#keepOpen();
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Aborts when the port is closed for good. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** The connection that there is, or a new one. Throws as opening a port does. */
  async connect(): Promise<Connection> {
    if (this.#connection !== undefined) {
      return this.#connection;
    }
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting;
  }

  /** Has the line as this user wants it, from now on. Throws when it does not take the settings, and is as before then. */
  async serve(user: PortUser): Promise<void> {
    const before = this.#user;
    if (settingsOf(user) === settingsOf(before)) {
      return;
    }
    this.#user = user;
    try {
      await this.#connection?.port.configure(user);
    } catch (error) {
      this.#user = before;
      throw error;
    }
  }

  /** Closes the port; it is opened again if it is wanted. */
  async disconnect(): Promise<void> {
    await this.#connection?.port[Symbol.asyncDispose]();
    await this.#reading;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(closed(this.#keeper.path));
    await this.#keeping;
    await this.#connecting?.catch(() => {});
    await this.disconnect();
  }

  async #open(): Promise<Connection> {
    this.#over.signal.throwIfAborted();
    await this.#reading;
    const { path, isRecorded } = this.#keeper;
    const { lines, ...settings } = this.#user;
    await using opened = new AsyncDisposableStack();
    const manners = { exclusive: !isRecorded, takesOver: this.claims.areWanted };
    const port = opened.use(await this.#serialPorts.open(path, { ...settings, ...manners }));
    await setLines(port, lines);
    if (!isRecorded) {
      await port.flush();
    }
    await this.claims.takeFor(port);
    opened.move();
    const connection: Connection = { port, ended: undefined };
    this.#connection = connection;
    this.#complaint = undefined;
    this.#log.info("serial port open", { port: path, baud: settings.baud });
    this.#keeper.opened(connection);
    this.#reading = this.#read(connection);
    return connection;
  }

  /** Takes everything that the port says until it is closed or goes away. */
  async #read(connection: Connection): Promise<void> {
    const { path } = this.#keeper;
    let reason: unknown = closed(path);
    try {
      for await (const piece of connection.port.received) {
        await this.#keeper.received(piece);
      }
    } catch (error) {
      reason = error;
    }
    this.#connection = undefined;
    this.claims.lose();
    this.#log.info("serial port closed", { port: path, reason: messageOf(reason) });
    this.#keeper.closed(connection, reason);
    await connection.port[Symbol.asyncDispose]();
  }

  async #keepOpen(): Promise<void> {
    const { signal } = this.#over;
    let waitMs = lookEveryMs;
    while (!signal.aborted) {
      try {
        if (await this.#isWantedElsewhere()) {
          this.#note("another program has the port", "info");
          await this.disconnect();
        } else if (this.#connection === undefined && (this.#keeper.isRecorded || this.#keeper.isInUse)) {
          await this.connect();
        }
        waitMs = lookEveryMs;
      } catch (error) {
        const code = error instanceof DutError ? error.code : "internal";
        this.#note(messageOf(error), code === "not_found" ? "debug" : "info");
        const isTaken = code === "not_found" || code === "failed_precondition";
        waitMs = isTaken ? lookEveryMs : Math.min(2 * waitMs, retryAtMostMs);
      }
      await setTimeout(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** A lock that is seen while nothing was claimed here is another program's. */
  async #isWantedElsewhere(): Promise<boolean> {
    const { path, isRecorded } = this.#keeper;
    const { state, number } = this.claims;
    const isWanted = isRecorded && state === "free" && (await this.#serialPorts.isWanted(path));
    return isWanted && this.claims.state === "free" && this.claims.number === number;
  }

  /** Says once why the port is not open. */
  #note(reason: string, level: "info" | "debug"): void {
    if (this.#complaint !== reason && !this.#over.signal.aborted) {
      this.#complaint = reason;
      this.#log[level]("serial port not open", { port: this.#keeper.path, reason });
    }
  }
}

async function setLines(port: SerialPort, lines: PortUser["lines"]): Promise<void> {
  for (const line of ["dtr", "rts"] as const) {
    const on = lines[line];
    if (on !== undefined) {
      await port.setLine(line, on);
    }
  }
}

function settingsOf({ baud, dataBits, parity, stopBits, flow }: LineSettings): string {
  return [baud, dataBits, parity, stopBits, flow].join();
}

function closed(path: string): DutError {
  return new DutError("unavailable", `serial port ${path} is closed`, {
    hint: "its recording was stopped, or configured anew: try again",
  });
}
