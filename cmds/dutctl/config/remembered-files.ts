import { resolve } from "node:path";
import type { SettingKey } from "../settings.ts";

type Value = readonly [key: SettingKey, value: string];

const files: ReadonlySet<SettingKey> = new Set(["tls-ca", "tls-cert", "tls-key"]);

/**
 * Values as they are kept: files by their whole path, and with an authority the fingerprint that it has now, with none no
 * fingerprint. Throws invalid_argument for an authority that cannot be read.
 */
export async function rememberedFiles(values: readonly Value[], directory: string): Promise<readonly Value[]> {
  const kept: Value[] = [];
  for (const [key, value] of values) {
    const text = files.has(key) && value !== "" ? resolve(directory, value) : value;
    kept.push([key, text]);
    if (key === "tls-ca") {
      kept.push(["authority", text === "" ? "" : await fingerprintsOf(text)]);
    }
  }
  return kept;
}

async function fingerprintsOf(path: string): Promise<string> {
  const { fingerprintsOf: read } = await import("../tls/read-tls.ts");
  return read({ value: path, place: "key tls-ca" });
}
