import type { z } from "zod";
import type { Host } from "#pkg/host/host.ts";
import type { Log } from "#pkg/log/log.ts";
import type { Session } from "./session.ts";

/** One execution of one module. */
export interface Call {
  readonly args: readonly string[];
  readonly session: Session;
  /** Aborted when the run ends for any reason: client gone, deadline, cancel, shutdown. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** What keeps the device for this run, when it may be given away: the module is all that the run does, and not only observes. */
  readonly hold?: DeviceHold | undefined;
}

/** What keeps a device for a run. */
export interface DeviceHold {
  /**
   * Until disposed, another run that takes over may have the device: one of the same owner, or anybody's. `given` is told
   * whose; this run goes on, and only looks.
   */
  offer(to: "owner" | "anybody", given: (to: string) => void): Disposable;
}

/** What an open needs besides the options. */
export interface OpenContext {
  readonly host: Host;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * A module that is ready to run. Runs do not overlap, but those of a module that observes, and one that has given its
 * device away. Disposing twice is harmless and never throws.
 */
export interface OpenModule extends AsyncDisposable {
  /**
   * Throws when the module failed; the message is what the user reads after "module failed: ". A program's own exit
   * status is told by a RemoteExit.
   */
  run(call: Call): Promise<void>;
}

/** Hardware that one run at a time may use. A name that is a path stands for what it leads to. */
export interface Resource {
  /** What users call it, such as "serial port". */
  readonly kind: string;
  readonly name: string;
}

/**
 * Hardware that a module keeps from its opening to its end. Entries of a configuration that claim the same must belong to
 * one device and say the same `terms`, in words for the user: what it is used as.
 */
export interface Claim extends Resource {
  readonly terms: string;
}

/** A module with its options: nothing has been touched yet. */
export interface ConfiguredModule {
  readonly name: string;
  /** What a run of it uses: two runs that share one exclude each other, also on different devices. */
  readonly resources: readonly Resource[];
  readonly claims: readonly Claim[];
  /**
   * It only looks: a command of such modules alone keeps nobody from the device, and may run as often as one likes.
   * Default false.
   */
  readonly observes?: boolean;
  /** Whether a run with these arguments takes the device from a run that offers it. Default never. */
  readonly takesOver?: (args: readonly string[]) => boolean;
  /** The places, from 0, of arguments that a shell reads as text: values that a user gives are quoted there. */
  readonly shellArguments: readonly number[];
  /** What `dutctl <device> <command> help` prints. */
  readonly help: string;
  /** Throws with everything released when the module cannot be made ready. */
  open(context: OpenContext): Promise<OpenModule>;
}

/** A kind of module that a configuration may name. */
export interface ModuleKind {
  readonly name: string;
  readonly summary: string;
  /**
   * The options, for validation messages, documentation and editors. One with `.meta({ writeOnly: true })` is a secret:
   * it is hidden in the help, errors and log lines of the module also when it stands in the file as it is.
   */
  readonly schema: z.ZodObject;
  /** Throws a ZodError whose paths start below `with:`. */
  configure(options: unknown): ConfiguredModule;
}

interface ModuleDefinition<Schema extends z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  readonly config: Schema;
  help(config: z.output<Schema>): string;
  /** Default none. */
  resources?(config: z.output<Schema>): readonly Resource[];
  /** Default none. */
  claims?(config: z.output<Schema>): readonly Claim[];
  /** As in ConfiguredModule. Default false. */
  observes?(config: z.output<Schema>): boolean;
  /** As in ConfiguredModule. Default never. */
  takesOver?(args: readonly string[]): boolean;
  /** As in ConfiguredModule. Default none. */
  shellArguments?(config: z.output<Schema>): readonly number[];
  open(config: z.output<Schema>, context: OpenContext): Promise<OpenModule>;
}

/** Closes over the type of the options, so that nobody else meets it. */
export function defineModule<Schema extends z.ZodObject>(definition: ModuleDefinition<Schema>): ModuleKind {
  const { name, summary, config: schema } = definition;
  return {
    name,
    summary,
    schema,
    configure(options) {
      const config = schema.parse(options);
      return {
        name,
        help: definition.help(config),
        resources: definition.resources?.(config) ?? [],
        claims: definition.claims?.(config) ?? [],
        observes: definition.observes?.(config) ?? false,
        takesOver: (args) => definition.takesOver?.(args) ?? false,
        shellArguments: definition.shellArguments?.(config) ?? [],
        open: (context) => definition.open(config, context),
      };
    },
  };
}
