import { displayWidth, fitted } from "../terminal/display-width.ts";
import { escapeLabel } from "./escape.ts";

export interface Column {
  readonly title: string;
  /** The widest that a cell is shown. */
  readonly widest: number;
}

/**
 * Rows below their titles, every cell escaped and no wider than its column may be; a column that is empty throughout is
 * left out, and so is what stands right of `columns`.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = Number.POSITIVE_INFINITY,
): string[] {
  const cells = rows.map((row) =>
    columns.map(({ widest }, at) => fitted(escapeLabel(row[at] ?? "", widest * 2), widest)),
  );
  const used = columns.flatMap((column, at) => (cells.some((row) => row[at] !== "") ? [{ column, at }] : []));
  const widths = used.map(({ column, at }) =>
    Math.max(displayWidth(column.title), ...cells.map((row) => displayWidth(row[at] as string))),
  );
  const line = (texts: readonly string[]) =>
    fitted(
      texts
        .map((text, at) => text + " ".repeat((widths[at] as number) - displayWidth(text)))
        .join("  ")
        .trimEnd(),
      width,
    );
  const titles = line(used.map(({ column }) => column.title));
  return used.length === 0 ? [] : [titles, ...cells.map((row) => line(used.map(({ at }) => row[at] as string)))];
}
