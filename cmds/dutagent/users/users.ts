import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";

/** How long an agent waits for its first user, and for another one after the last. Milliseconds. */
export interface Patience {
  readonly firstMs: number;
  readonly nextMs: number;
}

export interface UsersOptions {
  readonly patience?: Patience;
  /** True while something goes on that must not be left, such as a run whose client is away. */
  readonly busy: () => boolean;
  /** Why this agent is not the one that a new user wants any more; undefined when it is. */
  readonly outdated: () => Promise<string | undefined>;
}

/** Who uses an agent that was started to be used: everybody who keeps a connection to a socket open. */
export interface Users extends AsyncDisposable {
  /** Aborted when there is no user any more. Nobody becomes one after that. */
  readonly unused: AbortSignal;
  /** To be called when the agent may be busy no more. */
  look(): void;
}

const usual: Patience = { firstMs: 15_000, nextMs: 3_000 };

/**
 * Counts users at a unix socket. Each hears a line of JSON, `{"pid": 4711, "notes": ["…"]}`: then the agent is there for as
 * long as the connection is. One whose connection ends before has come too late, and finds or starts another agent: an
 * outdated one goes when nobody else uses it. The caller has claimed the path: what is left of an earlier agent is removed.
 */
export async function openUsers(path: string, options: UsersOptions): Promise<Users> {
  const { busy, outdated, patience = usual } = options;
  const present = new Set<Socket>();
  const unused = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const leave = (reason: string) => {
    server.close();
    unused.abort(reason);
  };
  const expect = (milliseconds: number) => {
    clearTimeout(timer);
    if (present.size === 0 && !busy() && !unused.signal.aborted) {
      timer = setTimeout(leave, milliseconds, "unused");
    }
  };
  const welcome = async (socket: Socket) => {
    const reason = await outdated();
    if (reason !== undefined && present.size === 1 && present.has(socket) && !busy()) {
      leave("outdated");
    }
    if (unused.signal.aborted) {
      socket.destroy();
    } else {
      socket.write(`${JSON.stringify({ pid: process.pid, notes: reason === undefined ? [] : [reason] })}\n`);
    }
  };
  const server = createServer((socket) => {
    present.add(socket);
    clearTimeout(timer);
    socket.on("error", () => {});
    socket.once("close", () => {
      present.delete(socket);
      expect(patience.nextMs);
    });
    socket.resume();
    void welcome(socket);
  });
  await rm(path, { force: true });
  await once(server.listen({ path }), "listening");
  expect(patience.firstMs);
  return {
    unused: unused.signal,
    look: () => expect(patience.nextMs),
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      for (const socket of present) {
        socket.destroy();
      }
      if (server.listening) {
        server.close();
        await once(server, "close");
      }
    },
  };
}
