import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { testAuthority } from "./certificates.ts";
import { httpServer } from "./http-server.ts";

/** How a BMC may be unlike others. */
export interface Temper {
  readonly systems: readonly string[];
  /** Of ResetType; undefined when it does not say. */
  readonly resetTypes: readonly string[] | undefined;
  /** Tells its reset types in a resource of their own. */
  readonly actionInfo: boolean;
  /** Says yes and changes nothing. */
  readonly deaf: boolean;
  /** Answers changes with a task, which is done when it was asked for this often. */
  readonly taskPolls: number;
  /** What a task says in the end, if it fails. */
  readonly taskFails: string | undefined;
  /** Has virtual media at its manager, without actions, as older ones do. */
  readonly oldMedia: boolean;
  /** Changes the system behind the back of the next so many changes. */
  readonly meddlers: number;
  /** Sends whoever has logged in to another server. */
  readonly strayLink: string | undefined;
}

const usual: Temper = {
  systems: ["1"],
  resetTypes: ["On", "ForceOff", "GracefulShutdown", "PowerCycle", "ForceRestart", "Nmi"],
  actionInfo: false,
  deaf: false,
  taskPolls: 0,
  taskFails: undefined,
  oldMedia: false,
  meddlers: 0,
  strayLink: undefined,
};

interface Medium {
  Image: string | null;
  Inserted: boolean;
}

/** What a BMC keeps. */
export interface BmcState {
  power: string;
  boot: { BootSourceOverrideEnabled: string; BootSourceOverrideTarget: string };
  readonly media: Record<string, Medium>;
  /** Of sessions that were not given back. */
  readonly tokens: Set<string>;
  /** Changes that came, as `POST path {body}`. */
  readonly changes: string[];
}

/** Refuses what breaks the rules of DSP0266, as a status and the words of a message. */
class Refusal extends Error {
  readonly status: number;
  readonly resolution: string;

  constructor(status: number, message: string, resolution = "None") {
    super(message);
    this.status = status;
    this.resolution = resolution;
  }
}

const root = "/redfish/v1";
const types: Readonly<Record<string, readonly string[]>> = { Cd1: ["CD", "DVD"], Usb1: ["USBStick"] };
const bootTargets = ["None", "Pxe", "Hdd", "Cd", "BiosSetup"];

/** A BMC with a Redfish service over https, for a test: it keeps its state and refuses requests that a strict one would. */
export async function openRedfishBmc() {
  const authority = await testAuthority("BMC maker");
  const credentials = await authority.server();
  const state: BmcState = {
    power: "Off",
    boot: { BootSourceOverrideEnabled: "Disabled", BootSourceOverrideTarget: "None" },
    media: { Cd1: { Image: null, Inserted: false }, Usb1: { Image: null, Inserted: false } },
    tokens: new Set(),
    changes: [],
  };
  const bmc = new Bmc(state);
  const server = await httpServer((request, response) => bmc.answer(request, response), credentials);
  return {
    host: server.url,
    ca: authority.own.cert,
    cert: credentials.cert,
    state,
    user: bmc.user,
    password: bmc.password,
    /** From now on it is as usual but for what is given. */
    be: (temper: Partial<Temper>) => {
      bmc.temper = { ...usual, ...temper };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

class Bmc {
  readonly user = "admin";
  readonly password = "se:cret";
  temper = usual;
  readonly #state: BmcState;
  /** Of each task monitor: how often it is asked until it is done. */
  readonly #tasks = new Map<string, number>();
  #revision = 1;

  constructor(state: BmcState) {
    this.#state = state;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    try {
      const body = method === "POST" || method === "PATCH" ? await this.#bodyOf(request) : undefined;
      this.#check(request);
      this.#respond(method, url.replace(/\/$/, ""), body, request, response);
    } catch (error) {
      const { status, message, resolution } = error instanceof Refusal ? error : new Refusal(500, String(error));
      const info = { MessageId: "Base.1.0.GeneralError", Message: message, Resolution: resolution };
      send(response, status, {
        error: { code: info.MessageId, message: "See @Message.ExtendedInfo.", "@Message.ExtendedInfo": [info] },
      });
    }
  }

  async #bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
    const body = await json(request);
    if (request.headers["content-type"] !== "application/json") {
      throw new Refusal(415, "The content type must be application/json.");
    }
    return body as Record<string, unknown>;
  }

  #check({ method, url, headers }: IncomingMessage): void {
    if (headers["odata-version"] !== "4.0" || headers.accept !== "application/json") {
      throw new Refusal(406, "OData-Version 4.0 and JSON are what there is.");
    }
    const open = url === `${root}/` || (method === "POST" && url === `${root}/SessionService/Sessions`);
    const basic = `Basic ${Buffer.from(`${this.user}:${this.password}`).toString("base64")}`;
    const known = this.#state.tokens.has(String(headers["x-auth-token"])) || headers.authorization === basic;
    if (!open && !known) {
      throw new Refusal(401, "There is no valid session.");
    }
  }

  #respond(
    method: string,
    path: string,
    body: Record<string, unknown> | undefined,
    { headers }: IncomingMessage,
    response: ServerResponse,
  ): void {
    if (method === "GET" && this.#tasks.has(path)) {
      this.#reportTask(path, response);
    } else if (method === "GET") {
      const { etag, ...resource } = this.#read(path);
      send(response, 200, resource, etag === undefined ? {} : { etag });
    } else if (path === `${root}/SessionService/Sessions`) {
      this.#logIn(body ?? {}, response);
    } else if (method === "DELETE") {
      this.#state.tokens.delete(String(headers["x-auth-token"]));
      send(response, 204);
    } else {
      if (method === "PATCH") {
        this.#checkMatch(path, headers["if-match"]);
      }
      this.#state.changes.push(`${method} ${path} ${JSON.stringify(body)}`);
      const change = this.#changeOf(method, path, body ?? {});
      if (!this.temper.deaf && this.temper.taskFails === undefined) {
        change();
        this.#revision++;
      }
      this.#accept(response);
    }
  }

  #logIn({ UserName, Password }: Record<string, unknown>, response: ServerResponse): void {
    if (UserName !== this.user || Password !== this.password) {
      throw new Refusal(401, "Invalid username or password.");
    }
    const token = randomUUID();
    this.#state.tokens.add(token);
    send(response, 201, { Id: "7" }, { "x-auth-token": token, location: `${root}/SessionService/Sessions/7` });
  }

  #accept(response: ServerResponse): void {
    const { taskPolls, taskFails } = this.temper;
    if (taskPolls === 0 && taskFails === undefined) {
      send(response, 204);
      return;
    }
    const monitor = `${root}/TaskService/TaskMonitors/${this.#revision}`;
    this.#tasks.set(monitor, taskPolls);
    send(
      response,
      202,
      { "@odata.type": "#Task.v1_4_3.Task", TaskState: "Running" },
      { location: monitor, "retry-after": "0" },
    );
  }

  #reportTask(path: string, response: ServerResponse): void {
    const left = this.#tasks.get(path) ?? 0;
    const { taskFails } = this.temper;
    if (left > 0) {
      this.#tasks.set(path, left - 1);
      send(response, 202, undefined, { "retry-after": "0" });
    } else if (taskFails === undefined) {
      send(response, 204);
    } else {
      const Messages = [{ MessageId: "Base.1.0.InternalError", Message: taskFails }];
      send(response, 200, { "@odata.type": "#Task.v1_4_3.Task", Id: "9", TaskState: "Exception", Messages });
    }
  }

  #checkMatch(path: string, match: string | undefined): void {
    if (match === undefined) {
      throw new Refusal(428, "If-Match is required.");
    }
    if (this.temper.meddlers > 0) {
      this.temper = { ...this.temper, meddlers: this.temper.meddlers - 1 };
      this.#revision++;
    }
    if (match !== this.#read(path).etag) {
      throw new Refusal(412, "The ETag does not match.");
    }
  }

  #read(path: string): Record<string, unknown> & { readonly etag?: string } {
    const { systems, strayLink } = this.temper;
    const [, kind = "", id = "", part = "", member = ""] = path.slice(root.length).split("/");
    const etag = `W/"${this.#revision}"`;
    switch (`${kind}${id === "" ? "" : "/ID"}${part === "" ? "" : `/${part}`}${member === "" ? "" : "/ID"}`) {
      case "":
        return {
          Systems: { "@odata.id": strayLink ?? `${root}/Systems` },
          Links: { Sessions: { "@odata.id": `${root}/SessionService/Sessions` } },
        };
      case "Systems":
        return { Members: systems.map((system) => ({ "@odata.id": `${root}/Systems/${system}` })) };
      case "Systems/ID":
        if (systems.includes(id)) {
          return { ...this.#system(id), etag };
        }
        break;
      case "Systems/ID/ResetActionInfo":
        return { Parameters: [{ Name: "ResetType", Required: true, AllowableValues: this.temper.resetTypes }] };
      case "Managers/ID":
        return { VirtualMedia: { "@odata.id": `${root}/Managers/bmc/VirtualMedia` } };
      case "Systems/ID/VirtualMedia":
      case "Managers/ID/VirtualMedia":
        return { Members: Object.keys(this.#state.media).map((name) => ({ "@odata.id": `${path}/${name}` })) };
      case "Systems/ID/VirtualMedia/ID":
      case "Managers/ID/VirtualMedia/ID":
        return { ...this.#medium(path, member), "@odata.etag": etag, ...(this.temper.oldMedia ? { etag } : {}) };
    }
    throw new Refusal(404, `There is no resource ${path}.`);
  }

  #system(id: string) {
    const { resetTypes, actionInfo, oldMedia } = this.temper;
    const path = `${root}/Systems/${id}`;
    const { power } = this.#state;
    if (power === "PoweringOff") {
      this.#state.power = "Off";
    }
    return {
      Id: id,
      PowerState: power,
      Manufacturer: "Contoso",
      Model: "3500",
      SerialNumber: null,
      BiosVersion: "P79 v1.45",
      Status: { State: "Enabled", Health: "OK" },
      ProcessorSummary: { Count: 2 },
      MemorySummary: { TotalSystemMemoryGiB: 96 },
      Boot: { ...this.#state.boot, "BootSourceOverrideTarget@Redfish.AllowableValues": bootTargets },
      Actions: {
        "#ComputerSystem.Reset": {
          target: `${path}/Actions/ComputerSystem.Reset`,
          ...(actionInfo ? { "@Redfish.ActionInfo": `${path}/ResetActionInfo` } : {}),
          ...(actionInfo || resetTypes === undefined ? {} : { "ResetType@Redfish.AllowableValues": resetTypes }),
        },
      },
      Links: { ManagedBy: [{ "@odata.id": `${root}/Managers/bmc` }] },
      ...(oldMedia ? {} : { VirtualMedia: { "@odata.id": `${path}/VirtualMedia` } }),
    };
  }

  #medium(path: string, name: string) {
    const actions = {
      "#VirtualMedia.InsertMedia": { target: `${path}/Actions/VirtualMedia.InsertMedia` },
      "#VirtualMedia.EjectMedia": { target: `${path}/Actions/VirtualMedia.EjectMedia` },
    };
    return {
      Id: name,
      MediaTypes: types[name],
      ...this.#state.media[name],
      ...(this.temper.oldMedia ? {} : { Actions: actions }),
    };
  }

  /** What a change does when it is carried out. Throws a Refusal for one that may not be. */
  #changeOf(method: string, path: string, body: Record<string, unknown>): () => void {
    const action = path.split("/").at(-1) ?? "";
    if (method === "POST" && action === "ComputerSystem.Reset") {
      return this.#resetOf(body);
    }
    const name = Object.keys(this.#state.media).find((known) => path.includes(`/VirtualMedia/${known}`));
    if (name !== undefined) {
      const image = action === "VirtualMedia.EjectMedia" ? null : body.Image;
      return this.#mediaChangeOf(name, image, body);
    }
    const boot = body.Boot as BmcState["boot"] | undefined;
    if (method === "PATCH" && boot !== undefined && bootTargets.includes(boot.BootSourceOverrideTarget)) {
      return () => Object.assign(this.#state.boot, boot);
    }
    throw new Refusal(400, "The request is not known here.");
  }

  #resetOf(body: Record<string, unknown>): () => void {
    const type = String(body.ResetType);
    if (this.temper.resetTypes !== undefined && !this.temper.resetTypes.includes(type)) {
      throw new Refusal(
        400,
        `The value ${type} is not in the list of acceptable values.`,
        "Choose a value from the list.",
      );
    }
    if (type === "On" && this.#state.power === "On") {
      throw new Refusal(409, "The system is on already.");
    }
    const next: Readonly<Record<string, string>> = {
      ForceOff: "PoweringOff",
      GracefulShutdown: "Off",
      Nmi: this.#state.power,
    };
    return () => {
      this.#state.power = next[type] ?? "On";
    };
  }

  #mediaChangeOf(name: string, image: unknown, { UserName, Password }: Record<string, unknown>): () => void {
    if (image !== null && typeof image !== "string") {
      throw new Refusal(400, "Image is missing.");
    }
    if (image?.startsWith("https://locked") === true && (UserName !== "me" || Password !== "p w")) {
      throw new Refusal(400, "Access to the image was denied.");
    }
    return () => Object.assign(this.#state.media[name] ?? {}, { Image: image, Inserted: image !== null });
  }
}

function send(response: ServerResponse, status: number, body?: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
