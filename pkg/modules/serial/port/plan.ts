import { DutError } from "#pkg/errors/dut-error.ts";

/** What one entry of the configuration wants of its port and the recording. Undefined is what others want. */
export interface RecordingPlan {
  /** Bytes to keep in memory. */
  readonly history: number | undefined;
  readonly record: RecordTo | undefined;
  /** Whether its runs do more than to look. */
  readonly writes: boolean;
}

export type RecordTo =
  | { readonly kind: "off" }
  | { readonly kind: "memory" }
  | { readonly kind: "directory"; readonly directory: string; readonly fileBytes: number; readonly files: number };

/** A minute and a half of a console at 115,200 baud. */
const usualHistory = 1024 * 1024;

export interface CommonPlan {
  /** Bytes to keep in memory. */
  readonly history: number;
  readonly record: RecordTo;
}

/** What all entries of a port together want. Throws invalid_argument when one of them contradicts another. */
export function commonPlan(path: string, plans: readonly RecordingPlan[]): CommonPlan {
  const wishes = plans.flatMap(({ record }) => (record === undefined ? [] : [record]));
  const [first] = wishes;
  const other = wishes.find((wish) => JSON.stringify(wish) !== JSON.stringify(first));
  if (first !== undefined && other !== undefined) {
    throw new DutError(
      "invalid_argument",
      `option record is ${render(other)} here and ${render(first)} in another entry with the port ${path}`,
      { hint: "give it in one entry of the port, or in all of them the same" },
    );
  }
  const sizes = plans.flatMap(({ history }) => (history === undefined ? [] : [history]));
  return {
    history: sizes.length > 0 ? Math.max(...sizes) : usualHistory,
    record: first ?? { kind: "memory" },
  };
}

function render(record: RecordTo): string {
  return record.kind === "directory"
    ? `${record.directory} (${record.files} files of ${record.fileBytes} bytes)`
    : record.kind;
}
