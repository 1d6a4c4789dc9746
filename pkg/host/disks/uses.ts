/** A node in the system's own tables. */
export interface Part {
  /** Such as `/dev/sdb1`. */
  readonly node: string;
  /** Major and minor number as the kernel writes them: `8:17`. */
  readonly number: string;
  /** Names of devices that are made of it: device mapper, RAID. */
  readonly holders: readonly string[];
}

interface Mount {
  /** Of the file system; that of no device for btrfs, whose devices are known by `source` only. */
  readonly number: string;
  readonly source: string;
  readonly target: string;
}

/** The lines of /proc/self/mountinfo (proc(5)). */
export function parseMounts(text: string): readonly Mount[] {
  return lines(text).map((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , number = "", , target = ""] = before.split(" ");
    const [, source = ""] = after.split(" ");
    return { number, source: unescaped(source), target: unescaped(target) };
  });
}

/** Paths of the devices and files in /proc/swaps. */
export function parseSwaps(text: string): readonly string[] {
  return lines(text)
    .slice(1)
    .map((line) => unescaped(line.split(/\s/)[0] ?? ""));
}

/** What is done with the parts of one disk; `numbers` has those of the paths that are block devices. */
export function usesOf(
  parts: readonly Part[],
  mounts: readonly Mount[],
  swaps: readonly string[],
  numbers: ReadonlyMap<string, string>,
): readonly string[] {
  return parts.flatMap(({ node, number, holders }) => [
    ...mounts
      .filter((mount) => mount.number === number || numbers.get(mount.source) === number)
      .map(({ target }) => `${node} is mounted on ${target}`),
    ...swaps.filter((path) => numbers.get(path) === number).map(() => `${node} is swap space`),
    ...holders.map((holder) => `${node} is a part of ${holder}`),
  ]);
}

function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** The kernel writes a blank as `\040`. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
