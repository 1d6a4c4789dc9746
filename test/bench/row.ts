import type { Lab } from "#test/support/lab.ts";

/** One measured figure beside its floor: what the same machine does at the same time without us. */
export interface Row {
  readonly name: string;
  /** A median, unless the name says what else. */
  readonly value: number;
  /** "%" is of one core, or of what the name says. */
  readonly unit: "ms" | "s" | "MB/s" | "KB" | "MB" | "%" | "lists";
  readonly floor: { readonly name: string; readonly value: number };
  /** What is promised of the figure; undefined where it is only shown. */
  readonly hold: Hold | undefined;
}

/** A promise relative to the floor, a factor or milliseconds on top of it, or one that stands by itself. */
export type Hold =
  | { readonly kind: "at-most" | "at-least"; readonly value: number }
  | { readonly kind: "at-most-times" | "at-least-times"; readonly factor: number }
  | { readonly kind: "adds-at-most"; readonly milliseconds: number };

/** Rows that are measured together, in turns. */
export interface Group {
  readonly name: string;
  measure(lab: BenchLab): Promise<readonly Row[]>;
}

/** What the groups measure: real programs that listen, with the words that start the clients. */
export interface BenchLab {
  /** The words that start a program, as an executable or from source. */
  readonly clients: readonly { readonly form: "executable" | "source"; readonly words: WordsOf }[];
  /** Addresses of an agent with the devices of this benchmark, and of a server that it is registered with. */
  readonly agent: string;
  readonly server: string;
  /** The processes of the two. */
  readonly pids: { readonly agent: number; readonly server: number };
  /** Servers and agents besides, by the programs as they are shipped, for as long as it is not disposed of. */
  openLab(): Promise<Lab>;
  /** A folder for files, which goes with the lab. */
  readonly directory: string;
  /** Ports of a process that only moves bytes, and of one that joins TCP sockets with those. */
  readonly plain: Ports;
  readonly spliced: Ports;
}

/** What a port does with its sockets. */
export interface Ports {
  readonly flood: number;
  readonly swallow: number;
  readonly echo: number;
  /** Speaks HTTP/2, as an agent. */
  readonly agent: number;
}

export type WordsOf = (program: "dutctl" | "dutagent" | "dutserver") => readonly string[];

export function ratioOf({ value, floor }: Row): number {
  return value / floor.value;
}

/** Whether a row keeps its promise; undefined when it has none. */
export function isHeld(row: Row): boolean | undefined {
  switch (row.hold?.kind) {
    case "at-most":
      return row.value <= row.hold.value;
    case "at-least":
      return row.value >= row.hold.value;
    case "at-most-times":
      return ratioOf(row) <= row.hold.factor;
    case "at-least-times":
      return ratioOf(row) >= row.hold.factor;
    case "adds-at-most":
      return row.value - row.floor.value <= row.hold.milliseconds;
    case undefined:
      return undefined;
  }
}
