import {
  type Content,
  type DeviceEntry,
  type DeviceEvent,
  errorText,
  type RenderOptions,
  shownMetadata,
} from "./content.ts";
import { timestamp } from "./timestamp.ts";
import { commandTree, deviceTree, endTree, runTree, type Tree } from "./trees.ts";
import { decodeUtf8 } from "./utf8.ts";

/** The keys of a device of the short list: the two formats of the existing programs do not agree on them. */
export interface DeviceKeys {
  readonly name: string;
  readonly locked: string;
  readonly owner: string;
  readonly expiresAt: string;
}

interface Shape {
  readonly keys: DeviceKeys;
  /** The format has no bytes: what is no UTF-8 is repeated as base64. */
  readonly textOnly: boolean;
}

/** A content with everything that the formats of one document per content say about it; undefined when they say nothing. */
export function documentOf(content: Content, { verbose, now }: RenderOptions, shape: Shape): Tree | undefined {
  if (content.type === "progress" || content.type === "run-end") {
    return undefined;
  }
  const metadata = shownMetadata(content, verbose);
  const data = dataOf(content, shape.keys);
  return {
    contentType: content.type,
    data,
    ...(shape.textOnly && data instanceof Uint8Array && decodeUtf8(data) === undefined
      ? { dataBase64: Buffer.from(data).toString("base64") }
      : {}),
    ...(content.isError === true ? { error: true } : {}),
    ...(metadata.length > 0 ? { metadata: Object.fromEntries(metadata) } : {}),
    timestamp: timestamp(now()),
  };
}

function dataOf(content: Content, keys: DeviceKeys): Tree {
  switch (content.type) {
    case "device-list":
      return content.data.map((device) => entryTree(device, keys));
    case "lock-result":
      return entryTree(content.data, keys);
    case "device-table":
      return content.data.map(deviceTree);
    case "device-detail":
      return { device: deviceTree(content.data.device), commands: content.data.commands.map(commandTree) };
    case "device-event":
      return eventTree(content.data);
    case "run-list":
      return content.data.map(runTree);
    case "run-end":
      return endTree(content.data);
    case "file-transfer": {
      const { direction, path, bytes } = content.data;
      return { direction, path, bytes };
    }
    case "context-list":
      return content.data.map(({ name, current, settings }) => ({ name, current, settings }));
    case "progress": {
      const { label, done, total, unit, finished } = content.data;
      return { label, done, total: total ?? null, unit, finished };
    }
    case "general":
      return errorText(content);
    default:
      return content.data;
  }
}

function eventTree({ change, devices }: DeviceEvent): Tree {
  switch (change.kind) {
    case "snapshot":
      return { change: "snapshot", devices: devices.map(deviceTree) };
    case "changed":
      return { change: "changed", device: deviceTree(change.device) };
    case "removed":
      return { change: "removed", name: change.name };
  }
}

function entryTree({ name, lock }: DeviceEntry, keys: DeviceKeys): Tree {
  return {
    [keys.name]: name,
    [keys.locked]: lock !== undefined,
    [keys.owner]: lock?.owner ?? "",
    [keys.expiresAt]: lock?.expiresAt ?? 0,
  };
}
