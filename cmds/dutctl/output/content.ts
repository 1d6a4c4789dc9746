/** A device as the client shows it in the short list. */
export interface DeviceEntry {
  readonly name: string;
  readonly lock: Lock | undefined;
}

export interface Lock {
  readonly owner: string;
  /** Unix time in seconds; 0 while the device is in use by a run, which has no expiry. */
  readonly expiresAt: number;
  /** Unix time in seconds; absent or 0 when it is not known. */
  readonly lockedAt?: number;
}

export type DeviceState = "free" | "locked" | "busy" | "offline" | "retiring" | "unknown";

/** A device with everything that is known of it. Times are Unix time in milliseconds. */
export interface DeviceRow {
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: DeviceState;
  /** Why it cannot be used, the empty string when there is nothing to say. */
  readonly reason: string;
  /** Since when it is offline; 0 for one that is not, and when nobody knows. */
  readonly offlineSinceMs: number;
  readonly lock: { readonly owner: string; readonly sinceMs: number; readonly untilMs: number } | undefined;
  readonly hold: Hold | undefined;
}

export interface Hold {
  readonly owner: string;
  readonly sinceMs: number;
  readonly runId: string;
  readonly command: string;
}

export interface CommandRow {
  readonly name: string;
  readonly description: string;
  /** By position. */
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  /** Hands on whatever arguments it is given. */
  readonly passthrough: boolean;
  /** Why it cannot be run, the empty string when it can. */
  readonly disabled: string;
  /** The names of its modules, in the order they run. */
  readonly modules: readonly string[];
}

export interface DeviceDescription {
  readonly device: DeviceRow;
  readonly commands: readonly CommandRow[];
}

/** What has changed, and every device as it is now. */
export interface DeviceEvent {
  readonly devices: readonly DeviceRow[];
  readonly change:
    | { readonly kind: "snapshot" }
    | { readonly kind: "changed"; readonly device: DeviceRow }
    | { readonly kind: "removed"; readonly name: string };
}

/** A run that goes on, or one that has ended lately. */
export interface RunRow {
  readonly runId: string;
  readonly device: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly owner: string;
  readonly sinceMs: number;
  /** Whether a client is there to see it. */
  readonly attached: boolean;
  /** When an absent client's grace is over; 0 for none. */
  readonly graceUntilMs: number;
  readonly end: RunEnd | undefined;
}

export interface RunEnd {
  /** Of the program that was run, where there was one. */
  readonly exitStatus: number | undefined;
  /** A status code in words, `ok` when the command succeeded. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface Transfer {
  readonly direction: "sent" | "received";
  readonly path: string;
  readonly bytes: number;
}

export interface ProgressEntry {
  readonly label: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: string;
  readonly finished: boolean;
}

/** A context of the configuration file. */
export interface ContextRow {
  readonly name: string;
  readonly current: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

interface Common {
  /** Goes to stderr. */
  readonly isError?: boolean;
  /** Shown with -v. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The run that it belongs to, for the formats that programs read. */
  readonly runId?: string;
  /** What it belongs to where neither the metadata nor the thing itself says it, for the formats that programs read. */
  readonly subject?: { readonly device: string | undefined; readonly command: string | undefined };
}

/** One thing that the client says. */
export type Content = Common &
  (
    | { readonly type: "device-list"; readonly data: readonly DeviceEntry[] }
    /** The list with everything that is known. */
    | { readonly type: "device-table"; readonly data: readonly DeviceRow[] }
    | { readonly type: "device-detail"; readonly data: DeviceDescription }
    /** On a terminal the table is drawn anew, elsewhere the change is told. */
    | { readonly type: "device-event"; readonly data: DeviceEvent }
    | { readonly type: "command-list"; readonly data: readonly string[] }
    | { readonly type: "command-detail"; readonly data: string }
    | { readonly type: "lock-result"; readonly data: DeviceEntry }
    | { readonly type: "run-list"; readonly data: readonly RunRow[] }
    | { readonly type: "file-transfer"; readonly data: Transfer }
    | { readonly type: "version"; readonly data: string }
    | { readonly type: "module-output"; readonly data: Uint8Array }
    /** A sentence of the client or of a peer that is neither result nor error. Goes to stderr. */
    | { readonly type: "notice"; readonly data: string }
    /** How far something is. Only jsonl tells it; for people it is drawn. */
    | { readonly type: "progress"; readonly data: ProgressEntry }
    /** Only jsonl tells it: elsewhere an error says what went wrong, and the exit code the rest. */
    | { readonly type: "run-end"; readonly data: RunEnd }
    /** The contexts of the configuration file. */
    | { readonly type: "context-list"; readonly data: readonly ContextRow[] }
    /** Help of our own, in whole lines. */
    | { readonly type: "text"; readonly data: string }
    /** An error; `hint` says what to do about it. */
    | { readonly type: "general"; readonly data: string; readonly hint?: string | undefined }
  );

export type ContentOf<Type extends Content["type"]> = Content & { readonly type: Type };

/** How one of the two streams is written to. */
export interface StreamStyle {
  readonly colour: boolean;
  /** Also what is invisible but harmless elsewhere is shown escaped by the structured formats. */
  readonly isTerminal: boolean;
}

export interface RenderOptions {
  readonly verbose: boolean;
  readonly stdout: StreamStyle;
  readonly stderr: StreamStyle;
  now(): Date;
}

/** What is written, piece by piece; nothing at all for what a format does not tell. Text and bytes of a device are never one piece. */
export type Rendered = readonly (string | Uint8Array)[];

/** Turns contents into what is written to the stream that each belongs to. */
export type Renderer = (content: Content) => Rendered;

/** The stream of a content, but for jsonl, which has one for all. */
export function streamOf({ type, isError }: Content): "stdout" | "stderr" {
  return isError === true || type === "notice" || type === "progress" ? "stderr" : "stdout";
}

/** The metadata of a content that is to be shown, sorted by key. */
export function shownMetadata(content: Content, verbose: boolean): [key: string, value: string][] {
  return verbose ? Object.entries(content.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
}

/** The text of an error for formats that have one field for it. */
export function errorText(content: ContentOf<"general">): string {
  return content.hint === undefined ? content.data : `${content.data} (${content.hint})`;
}
