import { type Content, type DeviceEntry, errorText, type RenderOptions, shownMetadata } from "./content.ts";
import { timestamp } from "./timestamp.ts";

/** What the structured formats print. The order of keys is the order in the output. */
export type Tree = string | number | boolean | Uint8Array | readonly Tree[] | { readonly [key: string]: Tree };

/** The keys of a device: the two formats of the existing programs do not agree on them. */
export interface DeviceKeys {
  readonly name: string;
  readonly locked: string;
  readonly owner: string;
  readonly expiresAt: string;
}

/** A content with everything that the structured formats say about it. */
export function documentOf(content: Content, { verbose, now }: RenderOptions, keys: DeviceKeys): Tree {
  const metadata = shownMetadata(content, verbose);
  return {
    contentType: content.type,
    data: dataOf(content, keys),
    ...(content.isError === true ? { error: true } : {}),
    ...(metadata.length > 0 ? { metadata: Object.fromEntries(metadata) } : {}),
    timestamp: timestamp(now()),
  };
}

function dataOf(content: Content, keys: DeviceKeys): Tree {
  switch (content.type) {
    case "device-list":
      return content.data.map((device) => deviceTree(device, keys));
    case "lock-result":
      return deviceTree(content.data, keys);
    case "file-transfer": {
      const { direction, path, bytes } = content.data;
      return { direction, path, bytes };
    }
    case "general":
      return errorText(content);
    default:
      return content.data;
  }
}

function deviceTree({ name, lock }: DeviceEntry, keys: DeviceKeys): Tree {
  return {
    [keys.name]: name,
    [keys.locked]: lock !== undefined,
    [keys.owner]: lock?.owner ?? "",
    [keys.expiresAt]: lock?.expiresAt ?? 0,
  };
}
