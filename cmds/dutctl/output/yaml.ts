import { type Renderer, type RenderOptions, streamOf } from "./content.ts";
import { documentOf } from "./document.ts";
import type { Tree } from "./trees.ts";
import { yamlKey, yamlScalar } from "./yaml-scalar.ts";

const keys = { name: "name", locked: "locked", owner: "owner", expiresAt: "expiresat" };

/** One document per content, written as Go's yaml.v3 writes it: indented by four, long text as a block. */
export function yamlRenderer(options: RenderOptions): Renderer {
  return (content) => {
    const tree = documentOf(content, options, { keys, textOnly: false });
    const { isTerminal } = options[streamOf(content)];
    return tree === undefined ? [] : [`---\n${mapping(tree as Mapping, 0, isTerminal)}\n`];
  };
}

type Mapping = { readonly [key: string]: Tree };

/** The lines of a mapping whose keys stand in column `column`. */
function mapping(tree: Mapping, column: number, guarded: boolean): string {
  return Object.entries(tree)
    .map(([key, value]) => `${" ".repeat(column)}${yamlKey(key, guarded)}:${afterColon(value, column, guarded)}\n`)
    .join("");
}

/** What stands behind the colon, without the last newline. */
function afterColon(tree: Tree, column: number, guarded: boolean): string {
  if (typeof tree !== "object" || tree === null) {
    return typeof tree === "string" ? ` ${yamlScalar(tree, column, guarded)}` : ` ${tree}`;
  }
  if (tree instanceof Uint8Array) {
    return ` ${yamlScalar(tree, column, guarded)}`;
  }
  const inner = column + 4;
  if (!Array.isArray(tree)) {
    const lines = mapping(tree as Mapping, inner, guarded).slice(0, -1);
    return lines === "" ? " {}" : `\n${lines}`;
  }
  if (tree.length === 0) {
    return " []";
  }
  return tree.map((item: Tree) => `\n${" ".repeat(inner)}- ${itemOf(item, inner, guarded)}`).join("");
}

function itemOf(item: Tree, column: number, guarded: boolean): string {
  if (typeof item === "string") {
    return yamlScalar(item, column, guarded);
  }
  return mapping(item as Mapping, column + 2, guarded).slice(column + 2, -1);
}
