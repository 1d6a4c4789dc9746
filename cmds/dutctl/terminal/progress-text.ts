import { escapeLabel } from "../output/escape.ts";
import { humanBytes } from "../output/human.ts";
import { displayWidth, fitted } from "./display-width.ts";
import type { ProgressReport } from "./user-console.ts";

/** Something that goes on, in numbers that can be shown whatever a peer has said. */
export interface Amount {
  readonly label: string;
  readonly done: number;
  readonly total: number | undefined;
  readonly unit: string;
  /** Units per second. */
  readonly rate: number | undefined;
}

/** Reads a report: no number that is none, no total below what is done, labels of one short line. */
export function amountOf({ label, done, total, unit }: ProgressReport, rate: number | undefined): Amount {
  const whole = total ?? (unit === "percent" ? 100 : undefined);
  const isKnown = whole !== undefined && Number.isFinite(whole) && whole > 0;
  const least = Number.isFinite(done) ? Math.max(0, done) : 0;
  return {
    label: escapeLabel(label, 80),
    done: isKnown ? Math.min(least, whole) : least,
    total: isKnown ? whole : undefined,
    unit: escapeLabel(unit, 20),
    rate,
  };
}

/** One line for people that read it later: `label: 12.0 MiB of 100.0 MiB (12%), 3.4 MiB/s, 0:26 left`. */
export function progressLine(amount: Amount): string {
  const { done, total, unit, label } = amount;
  const share = total === undefined || unit === "percent" ? "" : ` (${percent(done, total)})`;
  return `${label}: ${[`${quantity(amount)}${share}`, ...pace(amount)].join(", ")}`;
}

/** The last line, of something that took so many seconds: `label: 100.0 MiB in 0:30`. */
export function endLine(amount: Amount, seconds: number): string {
  return `${amount.label}: ${quantity({ ...amount, total: undefined })} in ${clock(seconds) ?? "days"}`;
}

const leastBar = 10;
const mostBar = 40;

/** One line that fits into the columns: label, bar where there is room, numbers. */
export function progressBar(amount: Amount, columns: number): string {
  const { label, done, total, unit } = amount;
  const share = total === undefined ? [] : [percent(done, total).padStart(4)];
  const details = [...(unit === "percent" ? [] : [quantity(amount)]), ...pace(amount)];
  for (let shown = details.length; shown >= 0; shown--) {
    const numbers = [...share, ...details.slice(0, shown)].join("  ");
    const room = columns - displayWidth(numbers) - 2;
    const name = fitted(label, Math.max(8, Math.min(displayWidth(label), Math.floor(room / 2))));
    const bar = Math.min(mostBar, room - displayWidth(name) - 4);
    if (total !== undefined && bar >= leastBar) {
      return `${name}  [${drawn(done / total, bar)}]  ${numbers}`;
    }
    if (room >= displayWidth(name)) {
      return fitted(`${name}  ${numbers}`, columns);
    }
  }
  return fitted(label, columns);
}

function drawn(share: number, width: number): string {
  const full = Math.floor(share * width);
  return full === width ? "=".repeat(width) : `${"=".repeat(full)}>${" ".repeat(width - full - 1)}`;
}

function percent(done: number, total: number): string {
  return `${Math.floor((done / total) * 100)}%`;
}

function quantity({ done, total, unit }: Amount): string {
  if (unit === "percent") {
    return percent(done, total ?? 100);
  }
  const shown = unit === "bytes" ? humanBytes : (count: number) => String(Math.round(count * 10) / 10);
  const suffix = unit === "bytes" || unit === "" ? "" : ` ${unit}`;
  return `${shown(done)}${total === undefined ? "" : ` of ${shown(total)}`}${suffix}`;
}

function pace({ done, total, unit, rate }: Amount): string[] {
  if (rate === undefined || rate <= 0) {
    return [];
  }
  const left = total === undefined ? undefined : clock((total - done) / rate);
  return [
    ...(unit === "bytes" ? [`${humanBytes(Math.round(rate))}/s`] : []),
    ...(left === undefined ? [] : [`${left} left`]),
  ];
}

/** Seconds as `0:05`, `12:34` or `1:02:03`; undefined for what is as good as never. */
export function clock(seconds: number): string | undefined {
  if (!(seconds < 100 * 3600)) {
    return undefined;
  }
  const whole = Math.ceil(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}
