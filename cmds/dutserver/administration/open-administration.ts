import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { DutError } from "#pkg/errors/dut-error.ts";
import { silentLog } from "#pkg/log/log.ts";
import { clientFor } from "#pkg/protocol/client.ts";
import { AdminService } from "#pkg/protocol/gen/dutlab/v1/admin_pb.ts";
import { Http2Session } from "#pkg/protocol/http2-session.ts";
import { openStore } from "#pkg/store/open-store.ts";
import type { StoreSpec } from "#pkg/store/store-spec.ts";
import { Registry } from "../registry/registry.ts";
import { adminSocket } from "./admin-socket.ts";
import { type Administration, administrationOf, remoteAdministration } from "./administration.ts";

/**
 * The names of a lab: at the server that has the state directory, else in the store itself. Throws what keeps the store
 * from being opened.
 */
export async function openAdministration(
  spec: StoreSpec,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Administration & AsyncDisposable> {
  return (spec.kind === "sqlite" ? await atServer(adminSocket(spec.directory)) : undefined) ?? inStore(spec, env);
}

/** Undefined when no server answers there. */
async function atServer(path: string): Promise<(Administration & AsyncDisposable) | undefined> {
  if (!existsSync(path)) {
    return undefined;
  }
  const session = new Http2Session({ kind: "unix", path }, { pingWhenIdle: false });
  const administration = remoteAdministration(clientFor(AdminService, session, { identity: undefined }));
  try {
    await administration.agents();
  } catch (error) {
    session[Symbol.dispose]();
    if (error instanceof DutError && error.code === "unavailable") {
      return undefined;
    }
    throw error;
  }
  return { ...administration, [Symbol.asyncDispose]: async () => session[Symbol.dispose]() };
}

async function inStore(
  spec: StoreSpec,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Administration & AsyncDisposable> {
  await using open = new AsyncDisposableStack();
  const store = open.use(await openStore(spec, { log: silentLog, env }));
  const end = new AbortController();
  open.defer(() => end.abort());
  const registry = open.use(
    await Registry.open({
      ...{ store, self: randomUUID(), log: silentLog, signal: end.signal },
      failed: () => {},
    }),
  );
  const release = open.move();
  return { ...administrationOf(registry), [Symbol.asyncDispose]: () => release.disposeAsync() };
}
