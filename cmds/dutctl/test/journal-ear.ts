import { createHash } from "node:crypto";
import type { RunRequest } from "#pkg/protocol/gen/dutlab/v1/dutlab_pb.ts";
import type { Wait } from "./journal-steps.ts";

/** What a run was told, however often it was told it. */
export interface Heard {
  readonly starts: unknown[];
  /** The offsets from which it was attached to. */
  readonly attaches: number[];
  input: string;
  inputEnded: boolean;
  readonly files: Map<number, { name: string; mode: number | undefined; content: Buffer; whole: boolean }>;
  /** Everything else, in short. */
  readonly others: unknown[];
  /** The most that input and files were ahead of what was taken, in bytes. */
  readonly ahead: { input: number; file: number };
}

/** Writes down what clients say to a run, and checks that nothing of it is missing. */
export class Ear {
  readonly heard: Heard = {
    starts: [],
    attaches: [],
    input: "",
    inputEnded: false,
    files: new Map(),
    others: [],
    ahead: { input: 0, file: 0 },
  };
  /** How much of the input the run has taken, in bytes. */
  inputTaken = 0;
  /** Why the run is over before its course is. */
  verdict: "refused" | "cancelled" | undefined;

  /** Whether what a step waits for has happened. */
  reached(step: Wait): boolean {
    if ("attached" in step) {
      return this.heard.attaches.length > 0;
    }
    if ("others" in step) {
      return this.heard.others.length >= step.others;
    }
    if ("file" in step) {
      return this.heard.files.get(step.file)?.whole === true;
    }
    return step.until === "end" ? this.heard.inputEnded : this.heard.input.length >= step.until;
  }

  hear({ msg }: RunRequest): void {
    const { heard } = this;
    switch (msg.case) {
      case "input": {
        const known = heard.input.length - Number(msg.value.offset);
        if (known < 0) {
          throw new Error("input is missing");
        }
        heard.input += Buffer.from(msg.value.data.subarray(known)).toString("latin1");
        heard.ahead.input = Math.max(heard.ahead.input, heard.input.length - this.inputTaken);
        return;
      }
      case "endOfInput":
        heard.inputEnded = true;
        return;
      case "fileHead": {
        const { transfer, name, mode } = msg.value;
        if (!heard.files.has(transfer)) {
          heard.files.set(transfer, { name, mode, content: Buffer.alloc(0), whole: false });
        }
        return;
      }
      case "fileChunk": {
        const file = heard.files.get(msg.value.transfer);
        const known = (file?.content.length ?? 0) - Number(msg.value.offset);
        if (file === undefined || known < 0) {
          throw new Error("a piece of the file is missing");
        }
        file.content = Buffer.concat([file.content, msg.value.data.subarray(known)]);
        return;
      }
      case "fileEnd": {
        const file = heard.files.get(msg.value.transfer);
        const digest = createHash("sha256")
          .update(file?.content ?? "")
          .digest();
        if (file === undefined || !digest.equals(msg.value.sha256)) {
          throw new Error("the file is damaged");
        }
        file.whole = true;
        return;
      }
      case "fileRefusal":
        heard.others.push(["refusal", msg.value.code, msg.value.message]);
        this.verdict ??= "refused";
        return;
      case "cancel":
        heard.others.push(["cancel", msg.value.reason]);
        this.verdict ??= "cancelled";
        return;
      case "taken":
        heard.others.push(["taken", Number(msg.value.offset)]);
        return;
      case "signal":
        heard.others.push(["signal", msg.value.name]);
        return;
      case "resize":
        heard.others.push(["resize", msg.value.rows, msg.value.columns]);
        return;
    }
  }
}
