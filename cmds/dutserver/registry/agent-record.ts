/** A device as its agent describes it. */
export interface DeviceFacts {
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What the store keeps of an agent. */
export interface AgentRecord {
  /** Fingerprint of the key that the name belongs to; empty for an agent that registered an address and has none. */
  readonly key: string;
  /** Where to dial it; empty for one that dials in. */
  readonly address: string;
  readonly version: string;
  /** Of its last start. */
  readonly bootId: string;
  /** How many sessions it has had. */
  readonly epoch: number;
  /** The greatest revision of its reservations that it has shown. */
  readonly fence: number;
  /** The id of the server that has it; empty when none has. */
  readonly server: string;
  /** Since when that is so, in Unix time of milliseconds. */
  readonly since: number;
  /** Why no server has it. */
  readonly reason: string;
  /** Those that it announced last and that are its own, sorted by name. */
  readonly devices: readonly DeviceFacts[];
}

/** What the store keeps of a server, for as long as it lives. */
export interface ServerRecord {
  /** Where the other servers reach it. */
  readonly address: string;
}

/** Who a device name belongs to. */
export interface OwnerRecord {
  readonly agent: string;
}

/** The keys of the store. */
export const keys = {
  agent: (name: string) => `agent/${name}`,
  device: (name: string) => `device/${name}`,
  server: (id: string) => `server/${id}`,
} as const;

export type Subject = keyof typeof keys;

/** What a key is about; undefined for one that this program does not know. */
export function subjectOf(key: string): { readonly subject: Subject; readonly name: string } | undefined {
  const slash = key.indexOf("/");
  const subject = key.slice(0, Math.max(0, slash));
  return Object.hasOwn(keys, subject) ? { subject: subject as Subject, name: key.slice(slash + 1) } : undefined;
}
