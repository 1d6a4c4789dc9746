import { DutError } from "#pkg/errors/dut-error.ts";
import { protocolVersion } from "./version-text.ts";

export { protocolVersion };

/** How a peer's version relates to ours. `differs` is tolerated with a warning, `incompatible` is refused. */
export type VersionRelation =
  | { readonly kind: "compatible" }
  | {
      readonly kind: "differs" | "incompatible";
      readonly order: "older" | "newer" | "different";
      readonly reason: string;
    };

interface Semver {
  readonly numbers: readonly [number, number, number];
  readonly prerelease: string;
}

/** Compares our version with a peer's by semantic versioning; build metadata and patch releases do not count. */
export function compareVersions(own: string, peer: string): VersionRelation {
  const a = parseSemver(own);
  const b = parseSemver(peer);
  if (a === undefined || b === undefined) {
    return { kind: "differs", order: "different", reason: "versions not comparable" };
  }
  const order = (difference: number) => (difference < 0 ? "older" : "newer");
  if (a.numbers[0] !== b.numbers[0]) {
    return { kind: "incompatible", order: order(a.numbers[0] - b.numbers[0]), reason: "major version mismatch" };
  }
  if (a.numbers[1] !== b.numbers[1]) {
    return { kind: "differs", order: order(a.numbers[1] - b.numbers[1]), reason: "minor version mismatch" };
  }
  if (a.numbers[2] === b.numbers[2] && a.prerelease !== b.prerelease) {
    const difference = comparePrereleases(a.prerelease, b.prerelease);
    return { kind: "differs", order: order(difference), reason: "pre-release version mismatch" };
  }
  return { kind: "compatible" };
}

/** Throws failed_precondition when the major versions differ. An absent or unreadable version is tolerated. */
export function refuseIncompatible(self: "agent" | "dutserver", peer: string): void {
  if (compareVersions(protocolVersion, peer).kind !== "incompatible") {
    return;
  }
  const [own, other] =
    self === "agent"
      ? [`agent ${protocolVersion}`, `client ${peer}`]
      : [`dutserver ${protocolVersion}`, `peer "${peer}"`];
  throw new DutError("failed_precondition", `incompatible dutctl versions: ${own}, ${other} (major version mismatch)`);
}

/** Go's semver accepts short forms: `1` and `1.2` stand for `1.0.0` and `1.2.0`. */
function parseSemver(text: string): Semver | undefined {
  const [whole, major, minor = "0", patch = "0", prerelease = ""] =
    /^v?(\d+)(?:\.(\d+)(?:\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?)?)?$/.exec(text.trim()) ?? [];
  return whole === undefined ? undefined : { numbers: [Number(major), Number(minor), Number(patch)], prerelease };
}

/** Semantic versioning 2.0.0, item 11: a release is newer than its pre-releases, numbers compare as numbers and are older than words. */
function comparePrereleases(a: string, b: string): number {
  if (a === "" || b === "") {
    return a === "" ? 1 : -1;
  }
  const left = a.split(".");
  const right = b.split(".");
  for (const [index, word] of left.entries()) {
    const other = right[index];
    if (other === undefined) {
      return 1;
    }
    if (word === other) {
      continue;
    }
    const numeric = /^\d+$/;
    if (numeric.test(word) !== numeric.test(other)) {
      return numeric.test(word) ? -1 : 1;
    }
    return numeric.test(word) ? Number(word) - Number(other) : word < other ? -1 : 1;
  }
  return -1;
}
