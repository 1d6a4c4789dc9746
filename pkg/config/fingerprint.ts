import { createHash } from "node:crypto";
import { namesSecret, replaceSecrets, type SecretSource } from "./secrets/secret-source.ts";
import type { YamlNode } from "./yaml/yaml-node.ts";

/** Equal for two nodes of the same content, values of secrets included; tells nobody what that is. */
export function fingerprint(node: YamlNode, secrets: SecretSource): string {
  return createHash("sha256")
    .update(JSON.stringify(plain(node, secrets)))
    .digest("hex");
}

function plain(node: YamlNode, secrets: SecretSource): unknown {
  switch (node.kind) {
    case "gap":
      return null;
    case "list":
      return node.items.map((item) => plain(item, secrets));
    case "map":
      return { map: Array.from(node.entries, ([key, { value }]) => [key, plain(value, secrets)]) };
    case "scalar":
      return { plain: node.plain, text: node.text, secret: secretsIn(node.text, secrets) };
  }
}

/** A secret that is not there has been complained about where it is used. */
function secretsIn(text: string, secrets: SecretSource): string | null {
  try {
    return namesSecret(text) ? replaceSecrets(text, secrets, (secret) => secret) : null;
  } catch {
    return null;
  }
}
