/** A device as the client shows it. */
export interface DeviceEntry {
  readonly name: string;
  readonly lock: Lock | undefined;
}

export interface Lock {
  readonly owner: string;
  /** Unix time in seconds; 0 while the device is in use by a run, which has no expiry. */
  readonly expiresAt: number;
}

interface Common {
  /** Goes to stderr. */
  readonly isError?: boolean;
  /** Shown with -v. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One thing that the client says. */
export type Content = Common &
  (
    | { readonly type: "device-list"; readonly data: readonly DeviceEntry[] }
    | { readonly type: "command-list"; readonly data: readonly string[] }
    | { readonly type: "command-detail"; readonly data: string }
    | { readonly type: "lock-result"; readonly data: DeviceEntry }
    | { readonly type: "file-transfer"; readonly data: Transfer }
    | { readonly type: "version"; readonly data: string }
    | { readonly type: "module-output"; readonly data: Uint8Array }
    /** An error; `hint` says what to do about it. */
    | { readonly type: "general"; readonly data: string; readonly hint?: string | undefined }
  );

export interface Transfer {
  readonly direction: "sent" | "received";
  readonly path: string;
  readonly bytes: number;
}

/** How one of the two streams is written to. */
export interface StreamStyle {
  readonly colour: boolean;
  /** What a peer named must not steer it: control and invisible characters are shown escaped. */
  readonly isTerminal: boolean;
}

export interface RenderOptions {
  readonly verbose: boolean;
  readonly stdout: StreamStyle;
  readonly stderr: StreamStyle;
  now(): Date;
}

/** Turns contents into what is written to the stream that each belongs to. */
export type Renderer = (content: Content) => string | Uint8Array;

/** The metadata of a content that is to be shown, sorted by key. */
export function shownMetadata(content: Content, verbose: boolean): [key: string, value: string][] {
  return verbose ? Object.entries(content.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
}

/** The text of an error for formats that have one field for it. */
export function errorText(content: Content & { type: "general" }): string {
  return content.hint === undefined ? content.data : `${content.data} (${content.hint})`;
}
