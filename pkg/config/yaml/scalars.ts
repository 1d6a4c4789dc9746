import type { YamlScalar } from "./yaml-node.ts";

/** The words of YAML 1.1 for truth values, which existing configurations use where one is expected. */
const truth = /^(?:true|True|TRUE|y|Y|yes|Yes|YES|on|On|ON)$/;
const untruth = /^(?:false|False|FALSE|n|N|no|No|NO|off|Off|OFF)$/;

/** The truth value that was written, if one was. */
export function parseTruth({ text, plain }: YamlScalar): boolean | undefined {
  if (!plain) {
    return undefined;
  }
  return truth.test(text) ? true : untruth.test(text) ? false : undefined;
}

/** The number that was written, if one was: `12`, `1_000`, `-1.5`, `1e3`, `0x1f`, `0o17`, `0b101`, `.inf`. */
export function parseNumber({ text, plain }: YamlScalar): number | undefined {
  if (!plain) {
    return undefined;
  }
  const digits = text.replaceAll("_", "");
  if (/^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(digits)) {
    return Number(digits);
  }
  const [, sign, based] = /^([-+]?)(0x[\da-fA-F]+|0o[0-7]+|0b[01]+)$/.exec(digits) ?? [];
  if (based !== undefined) {
    return sign === "-" ? -Number(based) : Number(based);
  }
  const [, infiniteSign] = /^([-+]?)\.(?:inf|Inf|INF)$/.exec(text) ?? [];
  return infiniteSign === undefined ? undefined : infiniteSign === "-" ? -Infinity : Infinity;
}

/** The other number that a number starting with a zero may mean, when readers of YAML do not agree: 15 for `017`. */
export function otherNumber(scalar: YamlScalar): number | undefined {
  const { text } = scalar;
  const octal = /^[-+]?0[0-7_]*[0-7]$/.test(text) ? Number.parseInt(text.replaceAll("_", ""), 8) : undefined;
  return octal === parseNumber(scalar) ? undefined : octal;
}
