import { messageOf } from "#pkg/errors/dut-error.ts";
import type { LogFields } from "./log.ts";

/** What is nested deeper is cut off; also the end of objects that contain themselves. */
const deepest = 5;

/**
 * Fields as JSON can say them: errors as their message, big numbers as text. Names in `reserved` belong to the record
 * itself and get an underscore.
 */
export function plainFields(fields: LogFields, reserved: readonly string[]): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [reserved.includes(name) ? `${name}_` : name, plain(value, 1)]),
  );
}

function plain(value: unknown, depth: number): unknown {
  if (value instanceof Error) {
    return messageOf(value);
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  }
  if (["bigint", "symbol", "function"].includes(typeof value) || Number.isNaN(value)) {
    return String(value);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (depth === deepest) {
    return "…";
  }
  if (Array.isArray(value)) {
    return value.map((item) => plain(item, depth + 1));
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, depth + 1)]));
}
