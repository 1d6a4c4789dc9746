import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { testAuthority } from "./certificates.ts";
import { httpServer } from "./http-server.ts";

/** How a PiKVM may be unlike others. */
export interface PikvmTemper {
  /** Says yes and changes nothing. */
  readonly deaf: boolean;
  readonly atx: boolean;
  readonly keyboard: boolean;
  readonly msd: boolean;
  readonly screen: boolean;
  /** The transfer that it fetches fails half-way. */
  readonly brokenSource: boolean;
  /** Loses its power after the first piece of an upload. */
  readonly unplugged: boolean;
  /** Hangs when this key is pressed. */
  readonly hangsAt: string | undefined;
  /** The codes that may follow the password; undefined when it wants none. */
  readonly codes: readonly string[] | undefined;
}

const usual: PikvmTemper = {
  deaf: false,
  atx: true,
  keyboard: true,
  msd: true,
  screen: true,
  brokenSource: false,
  unplugged: false,
  hangsAt: undefined,
  codes: undefined,
};

interface Image {
  readonly size: number;
  readonly complete: boolean;
}

/** What a PiKVM keeps, and what it has seen. */
export interface PikvmState {
  power: boolean;
  readonly images: Record<string, Image>;
  readonly drive: { image: { name: string } | null; connected: boolean; cdrom: boolean; rw: boolean };
  free: number;
  /** Keys that are down. */
  readonly down: Set<string>;
  /** What came: `+Key` and `-Key`, texts, buttons. */
  readonly seen: string[];
}

/** Refuses as KVMD does, with a name and a sentence. */
class Refusal extends Error {
  readonly status: number;
  override readonly name: string;

  constructor(status: number, name: string, message: string) {
    super(message);
    this.status = status;
    this.name = name;
  }
}

/** The first bytes of a JPEG file, which are enough for a picture here. */
export const picture = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]);

/** A PiKVM's HTTP API over https, for a test: it keeps its state and refuses what KVMD refuses. */
export async function openPikvm() {
  const authority = await testAuthority("PiKVM");
  const state: PikvmState = {
    power: false,
    images: {},
    drive: { image: null, connected: false, cdrom: true, rw: false },
    free: 1_000_000_000,
    down: new Set(),
    seen: [],
  };
  const device = new Pikvm(state);
  const server = await httpServer((request, response) => device.answer(request, response), await authority.server());
  return {
    host: server.url,
    ca: authority.own.cert,
    state,
    user: device.user,
    password: device.password,
    /** Resolves when a request hangs. */
    hanging: () => device.hanging.promise,
    /** From now on it is as usual but for what is given. */
    be: (temper: Partial<PikvmTemper>) => {
      device.temper = { ...usual, ...temper };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

class Pikvm {
  readonly user = "admin";
  readonly password = "grün secret";
  readonly hanging = Promise.withResolvers<void>();
  temper = usual;
  readonly #state: PikvmState;

  constructor(state: PikvmState) {
    this.#state = state;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", "https://pikvm");
    try {
      this.#authorize(request);
      await this.#respond(`${request.method} ${pathname}`, searchParams, request, response);
    } catch (error) {
      const { status, name, message } = error instanceof Refusal ? error : new Refusal(500, "Error", String(error));
      send(response, status, { error: name, error_msg: message });
    }
  }

  #authorize({ headers }: IncomingMessage): void {
    const user = headers["x-kvmd-user"];
    const password = Buffer.from(String(headers["x-kvmd-passwd"]), "latin1").toString();
    if (user === undefined) {
      throw new Refusal(401, "UnauthorizedError", "Unauthorized");
    }
    const accepted = this.temper.codes?.map((code) => this.password + code) ?? [this.password];
    if (user !== this.user || !accepted.includes(password)) {
      throw new Refusal(403, "ForbiddenError", "Forbidden");
    }
  }

  async #respond(asked: string, query: URLSearchParams, request: IncomingMessage, response: ServerResponse) {
    const { atx, keyboard, screen } = this.temper;
    switch (asked) {
      case "GET /api/atx":
        return send(response, 200, { enabled: atx, busy: false, leds: { power: this.#state.power, hdd: false } });
      case "POST /api/atx/power":
        this.#press(one(query, "action", ["on", "off", "off_hard", "reset_hard"]));
        return send(response, 200, {});
      case "POST /api/atx/click":
        this.#press(one(query, "button", ["power", "power_long", "reset"]));
        return send(response, 200, {});
      case "GET /api/hid":
        return send(response, 200, { online: true, keyboard: { online: keyboard, leds: {} } });
      case "POST /api/hid/print":
        return await this.#type(query, request, response);
      case "POST /api/hid/events/send_key":
        return this.#key(query, response);
      case "GET /api/msd":
        return send(response, 200, this.#msd());
      case "POST /api/msd/write":
        return await this.#write(query, request, response);
      case "POST /api/msd/write_remote":
        return this.#fetch(query, response);
      case "POST /api/msd/set_params":
        return this.#setParams(query, response);
      case "POST /api/msd/set_connected":
        return this.#connect(one(query, "connected", ["0", "1"]) === "1", response);
      case "POST /api/msd/remove":
        return this.#remove(query.get("image") ?? "", response);
      case "GET /api/streamer/snapshot":
        if (!screen) {
          throw new Refusal(503, "UnavailableError", "Service Unavailable");
        }
        response.writeHead(200, { "content-type": "image/jpeg", "content-length": picture.length });
        return response.end(picture);
      default:
        throw new Refusal(404, "NotFound", "There is nothing here.");
    }
  }

  #press(action: string): void {
    this.#state.seen.push(action);
    if (!this.temper.deaf) {
      const after: Readonly<Record<string, boolean>> = { on: true, off: false, off_hard: false, power_long: false };
      this.#state.power = after[action] ?? (action === "power" ? !this.#state.power : this.#state.power);
    }
  }

  async #type(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const keymap = query.get("keymap") ?? "en-us";
    if (!["en-us", "de"].includes(keymap)) {
      throw new Refusal(400, "ValidatorError", `The argument '${keymap}' is not a valid keymap`);
    }
    const limit = Number(query.get("limit") ?? 1024);
    const typed = await text(request);
    this.#state.seen.push(`${keymap}: ${limit > 0 ? typed.slice(0, limit) : typed}`);
    send(response, 200, {});
  }

  #key(query: URLSearchParams, response: ServerResponse): void {
    const key = query.get("key") ?? "";
    if (!/^(?:Key[A-Z]|(?:Control|Alt|Shift)Left|Delete|Enter|F12)$/.test(key)) {
      throw new Refusal(400, "ValidatorError", `The argument '${key}' is not a valid keyboard key`);
    }
    const press = one(query, "state", ["0", "1"]) === "1";
    this.#state.seen.push(`${press ? "+" : "-"}${key}`);
    if (press) {
      this.#state.down.add(key);
    } else {
      this.#state.down.delete(key);
    }
    if (press && key === this.temper.hangsAt) {
      this.hanging.resolve();
      return;
    }
    send(response, 200, {});
  }

  #msd() {
    const { images, free } = this.#state;
    return this.temper.msd
      ? {
          enabled: true,
          online: true,
          busy: false,
          drive: this.#state.drive,
          storage: { images, parts: { "": { free, size: 2 * free, writable: true } } },
        }
      : { enabled: true, online: false, busy: false, drive: null, storage: null };
  }

  async #write(query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const image = this.#newImage(query.get("image"));
    const length = request.headers["content-length"];
    if (length === undefined || query.get("remove_incomplete") !== "1") {
      throw new Refusal(400, "ValidatorError", "The argument 'None' is not a valid unsigned integer");
    }
    let written = 0;
    for await (const piece of request) {
      written += piece.length;
      if (this.temper.unplugged) {
        request.socket.destroy();
        return;
      }
    }
    this.#store(image, written);
    send(response, 200, { image: { name: image, size: Number(length), written } });
  }

  #fetch(query: URLSearchParams, response: ServerResponse): void {
    const url = new URL(query.get("url") ?? "");
    const image = this.#newImage(query.get("image") ?? url.pathname.slice(1));
    const size = 3_000_000;
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const say = (written: number) =>
      response.write(`${JSON.stringify({ ok: true, result: { image: { name: image, size, written } } })}\r\n`);
    say(0);
    say(size / 2);
    if (this.temper.brokenSource) {
      const failure = { error: "ClientPayloadError", error_msg: "Response payload is not completed" };
      response.end(`${JSON.stringify({ ok: false, result: failure })}\r\n`);
      return;
    }
    this.#store(image, size);
    say(size);
    response.end();
  }

  #newImage(name: string | null): string {
    if (name === null || name === "") {
      throw new Refusal(400, "ValidatorError", "The argument '' is not a valid MSD image name");
    }
    if (Object.hasOwn(this.#state.images, name)) {
      throw new Refusal(400, "MsdImageExistsError", "This image is already exists");
    }
    return name;
  }

  #store(name: string, size: number): void {
    this.#state.images[name] = { size: this.temper.deaf ? Math.floor(size / 2) : size, complete: !this.temper.deaf };
  }

  #setParams(query: URLSearchParams, response: ServerResponse): void {
    const { drive, images } = this.#state;
    if (drive.connected) {
      throw new Refusal(400, "MsdConnectedError", "MSD is connected to Server, but shouldn't for this operation");
    }
    const name = query.get("image") ?? "";
    if (!Object.hasOwn(images, name)) {
      throw new Refusal(400, "MsdUnknownImageError", "The image is not found in the storage");
    }
    drive.image = { name };
    drive.cdrom = one(query, "cdrom", ["0", "1"]) === "1";
    drive.rw = one(query, "rw", ["0", "1"]) === "1";
    send(response, 200, {});
  }

  #connect(connected: boolean, response: ServerResponse): void {
    const { drive } = this.#state;
    if (drive.connected === connected) {
      throw new Refusal(400, connected ? "MsdConnectedError" : "MsdDisconnectedError", "It is so already");
    }
    if (!this.temper.deaf) {
      drive.connected = connected;
    }
    send(response, 200, {});
  }

  #remove(name: string, response: ServerResponse): void {
    if (!Object.hasOwn(this.#state.images, name)) {
      throw new Refusal(400, "MsdUnknownImageError", "The image is not found in the storage");
    }
    if (!this.temper.deaf) {
      delete this.#state.images[name];
    }
    send(response, 200, {});
  }
}

function one(query: URLSearchParams, name: string, allowed: readonly string[]): string {
  const value = query.get(name) ?? "";
  if (!allowed.includes(value)) {
    throw new Refusal(400, "ValidatorError", `The argument '${value}' is not a valid ${name}`);
  }
  return value;
}

function send(response: ServerResponse, status: number, result: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ ok: status === 200, result }));
}
