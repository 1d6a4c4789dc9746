export type Level = "on" | "off";

/**
 * One outlet in the words of its vendor. Each call is one conversation with the unit and may be repeated: levels are
 * absolute, nothing here toggles. Throws unavailable for what may be better a moment later.
 */
export interface Outlet {
  write(level: Level, signal: AbortSignal): Promise<void>;
  /** Undefined for a unit that does not tell. */
  readonly read: ((signal: AbortSignal) => Promise<Level>) | undefined;
}

export const opposite = (level: Level): Level => (level === "on" ? "off" : "on");
