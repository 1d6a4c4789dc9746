import { silentLog } from "#pkg/log/log.ts";
import { connectTo } from "#pkg/protocol/client.ts";
import { commandRow } from "../commands/device-rows.ts";
import { preferLab } from "../commands/prefer-lab.ts";
import { defaultIdentity } from "../identity.ts";
import type { Options } from "../options.ts";
import type { CommandRow } from "../output/content.ts";
import type { World } from "../world.ts";
import type { Candidate } from "./answer.ts";

/** What the agent or the server has at this moment. Its calls throw when the signal is aborted. */
export interface Live extends Disposable {
  devices(): Promise<Candidate[]>;
  commands(device: string): Promise<CommandRow[]>;
  runs(device: string): Promise<Candidate[]>;
}

/** Asks the peer of the options; nothing is sent before the first question. Throws for certificates that cannot be used. */
export async function openLive(options: Options, world: World, signal: AbortSignal): Promise<Live> {
  const secured = options.tls && (await (await import("../tls/read-tls.ts")).readTls(options.tls));
  const identity = options.identity ?? secured?.name ?? defaultIdentity(world, silentLog);
  const connection = connectTo(options.servers, { identity, tls: secured?.tls });
  const { devices, lab, runs } = connection;
  const call = { signal };
  return {
    devices: () =>
      preferLab(
        options,
        async () => (await lab.list({}, call)).devices.map(({ name, description }) => ({ value: name, description })),
        async () => (await devices.list({}, call)).devices.map(({ name }) => ({ value: name })),
      ),
    commands: (device) =>
      preferLab(
        options,
        async () => (await lab.describe({ device }, call)).commands.map(commandRow),
        async () => (await devices.commands({ device }, call)).commands.map(unknownCommand),
      ),
    runs: async (device) =>
      (await runs.listRuns({ device }, call)).runs
        .filter(({ end }) => end === undefined)
        .map(({ runId, command, owner }) => ({ value: runId, description: `${command} of ${owner}` })),
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

/** A command of the old protocol, of which only the name is known: anything may follow. */
function unknownCommand(name: string): CommandRow {
  return { name, description: "", arguments: [], passthrough: true, disabled: "", modules: [] };
}
