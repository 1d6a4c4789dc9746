import { type Hold, isHeld, type Row, ratioOf } from "./row.ts";

const headings = ["", "median", "floor", "", "ratio", "hold", ""];

/** The rows as lines of a table, the headings first. */
export function renderRows(rows: readonly Row[]): string {
  const table = [headings, ...rows.map(cellsOf)];
  const widths = headings.map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  return table
    .map(
      (cells) =>
        `${cells
          .map((cell, column) => pad(cell, widths[column] ?? 0, column))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** The same for programs. */
export function rowsAsJson(rows: readonly Row[]): string {
  const values = rows.map((row) => ({ ...row, ratio: ratioOf(row), held: isHeld(row) ?? null }));
  return `${JSON.stringify({ node: process.versions.node, rows: values }, undefined, 2)}\n`;
}

function cellsOf(row: Row): string[] {
  const held = isHeld(row);
  return [
    row.name,
    amount(row.value, row.unit),
    amount(row.floor.value, row.unit),
    row.floor.name,
    `${ratioOf(row).toFixed(2)} ×`,
    row.hold === undefined ? "" : sentenceOf(row.hold, row.unit),
    held === undefined ? "" : held ? "held" : "MISSED",
  ];
}

function sentenceOf(hold: Hold, unit: Row["unit"]): string {
  switch (hold.kind) {
    case "at-most":
      return `≤ ${hold.value} ${unit}`;
    case "at-least":
      return `≥ ${hold.value} ${unit}`;
    case "at-most-times":
      return `≤ ${hold.factor} ×`;
    case "at-least-times":
      return `≥ ${hold.factor} ×`;
    case "adds-at-most":
      return `+ ≤ ${hold.milliseconds} ms`;
  }
}

function amount(value: number, unit: Row["unit"]): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}

/** Names to the left, numbers to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 1 || column === 2 || column === 4 ? cell.padStart(width) : cell.padEnd(width);
}
