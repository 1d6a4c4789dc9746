import {
  type Content,
  type DeviceEntry,
  type DeviceEvent,
  type DeviceRow,
  errorText,
  type Renderer,
  type RenderOptions,
  type RunRow,
  shownMetadata,
} from "./content.ts";
import { escapeField } from "./escape.ts";
import { timestamp } from "./timestamp.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * `timestamp,type,INFO|ERROR[,key=value...],data`: for grep and cut, always one line. In every field a backslash is
 * doubled and what is no printable character is escaped; then a field with a comma, a blank or a quote is quoted.
 */
export function onelineRenderer({ verbose, now }: RenderOptions): Renderer {
  return (content) => {
    if (content.type === "progress" || content.type === "run-end") {
      return [];
    }
    const metadata = shownMetadata(content, verbose).map(([key, value]) => `${key}=${field(value)}`);
    const level = content.isError === true ? "ERROR" : "INFO";
    const head = [timestamp(now()), content.type, level, ...metadata].join(",");
    return [`${head},${field(content.type === "module-output" ? content.data : fieldOf(content))}\n`];
  };
}

function field(value: string | Uint8Array): string {
  const text = escapeField(typeof value === "string" ? value : textOf(value));
  return /[, "]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Bytes that are no UTF-8 as lone surrogates, which are escaped as the bytes that they stand for. */
function textOf(bytes: Uint8Array): string {
  return (
    decodeUtf8(bytes) ??
    Buffer.from(bytes)
      .toString("latin1")
      .replace(/[\x80-\xff]/g, surrogateOf)
  );
}

function surrogateOf(character: string): string {
  return String.fromCharCode(0xdc00 + character.charCodeAt(0));
}

function fieldOf(content: Exclude<Content, { type: "module-output" | "progress" | "run-end" }>): string {
  switch (content.type) {
    case "device-list":
      return content.data.map(entryField).join("|");
    case "device-table":
      return content.data.map(deviceField).join("|");
    case "device-detail":
      return [deviceField(content.data.device), ...content.data.commands.map(({ name }) => name)].join("|");
    case "device-event":
      return eventField(content.data);
    case "command-list":
      return content.data.join("|");
    case "lock-result":
      return entryField(content.data);
    case "run-list":
      return content.data.map(runField).join("|");
    case "context-list":
      return content.data.map(({ name, current }) => (current ? `${name}=current` : name)).join("|");
    case "file-transfer":
      return `${content.data.direction} ${content.data.bytes} ${content.data.path}`;
    case "general":
      return errorText(content);
    default:
      return content.data;
  }
}

function eventField({ change, devices }: DeviceEvent): string {
  switch (change.kind) {
    case "snapshot":
      return devices.map(deviceField).join("|");
    case "changed":
      return deviceField(change.device);
    case "removed":
      return `${change.name}=removed`;
  }
}

function entryField({ name, lock }: DeviceEntry): string {
  return lock === undefined ? name : `${name}=${lock.expiresAt === 0 ? "in-use" : "locked"}:${lock.owner}`;
}

function deviceField({ name, state, lock, hold }: DeviceRow): string {
  const owner = hold?.owner ?? lock?.owner;
  const word = state === "busy" ? "in-use" : state;
  return state === "free" ? name : `${name}=${word}${owner === undefined ? "" : `:${owner}`}`;
}

function runField({ runId, device, command, owner, end }: RunRow): string {
  return `${runId}=${end === undefined ? "running" : end.code}:${device}/${command}:${owner}`;
}
