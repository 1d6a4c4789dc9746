import type { Progress } from "#pkg/modules/session.ts";

/** More than the longest of the words and bars below, which may come in two pieces. */
const keptCharacters = 120;

/**
 * flashrom since 1.4 writes `[READ: 12%]`, before that `[READ] 12% complete`; flashprog draws `Reading... [==>  ]  12%`.
 */
const percentage = /\[(READ|WRITE|ERASE)(?::|\]) *(\d+)%|(Reading|Writing|Erasing)\.\.\. \[[=> ]*\] *(\d+)%/;

/** How the tools begin what takes long. */
const beginning =
  /Reading old flash chip contents|Reading (?:current )?flash|Erasing and writing flash chip|Verifying flash|Auto Sequences, please wait|Reading, please wait/;

const news = new RegExp(`${percentage.source}|(${beginning.source})`, "g");

const labels: Readonly<Record<string, string>> = {
  r: "read",
  w: "write",
  e: "erase",
  v: "verify",
  a: "write",
};

/** Understands how far a tool is from what it says, in pieces of any size, and reports what is new. */
export function toolProgress(report: (progress: Progress) => Promise<void>) {
  let unread = "";
  let steps = 0;
  let last = "";
  return async (piece: Uint8Array): Promise<void> => {
    unread += Buffer.from(piece).toString("latin1");
    let end = 0;
    for (const { 0: text, 1: stage, 2: percent, 3: bar, 4: barPercent, 5: step, index } of unread.matchAll(news)) {
      end = index + text.length;
      const word = stage ?? bar ?? step ?? "";
      const label = word.startsWith("Erasing and") ? "erase and write" : (labels[word.charAt(0).toLowerCase()] ?? word);
      const done = percent ?? barPercent;
      const shown = `${label} ${done}`;
      if (done === undefined) {
        await report({ done: steps++, total: undefined, unit: "steps", label });
      } else if (shown !== last) {
        await report({ done: Number(done), total: 100, unit: "percent", label });
      }
      last = shown;
    }
    unread = unread.slice(Math.max(end, unread.length - keptCharacters));
  };
}
