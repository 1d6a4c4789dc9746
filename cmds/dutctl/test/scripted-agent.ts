import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { DeviceService } from "#pkg/protocol/gen/dutctl/v1/dutctl_pb.ts";
import { LabService, RunService } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import { limits } from "#pkg/protocol/limits.ts";
import { protocolVersion } from "#pkg/protocol/version.ts";

export type Script = Partial<ServiceImpl<typeof DeviceService>>;

/** The same for our own protocol. An agent without it answers as the existing programs do, with HTTP status 404. */
export interface OwnScript {
  readonly lab?: Partial<ServiceImpl<typeof LabService>>;
  readonly runs?: Partial<ServiceImpl<typeof RunService>>;
}

/** An agent on a free port that answers as a test tells it, good or evil. */
export class ScriptedAgent implements AsyncDisposable {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();

  private constructor(server: Http2Server) {
    this.#server = server;
    server.on("session", (session) => {
      this.#sessions.add(session);
      session.on("error", () => {});
      session.setLocalWindowSize(limits.connectionWindowBytes);
      session.once("close", () => this.#sessions.delete(session));
    });
  }

  /** `version` is what it sends as Dutctl-Version; null sends none. */
  static async start(
    script: Script,
    version: string | null = protocolVersion,
    own: OwnScript = {},
  ): Promise<ScriptedAgent> {
    const server = createServer(
      { settings: { initialWindowSize: limits.streamWindowBytes } },
      connectNodeAdapter({
        acceptCompression: [],
        routes: (router) => {
          router.service(DeviceService, script);
          if (own.lab !== undefined) {
            router.service(LabService, own.lab);
          }
          if (own.runs !== undefined) {
            router.service(RunService, own.runs);
          }
        },
        interceptors: [
          (next) => async (request) => {
            const response = await next(request);
            if (version !== null) {
              response.header.set("Dutctl-Version", version);
            }
            return response;
          },
        ],
      }),
    );
    const agent = new ScriptedAgent(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return agent;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection, as a crash does. */
  crash(): void {
    for (const session of this.#sessions) {
      session.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.crash();
    await this.#server[Symbol.asyncDispose]();
  }
}
