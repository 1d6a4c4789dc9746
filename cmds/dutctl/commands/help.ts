import { DutError } from "#pkg/errors/dut-error.ts";
import { nearest } from "#pkg/errors/nearest.ts";
import { quote } from "#pkg/golang/quote.ts";
import { topicSummaries, topicText } from "../help/topics.ts";
import type { Output } from "../output/output.ts";

/** Explains a topic, or what there is. */
export async function help(topic: string | undefined, out: Output): Promise<void> {
  const text = topicText(topic ?? "overview");
  if (text === undefined) {
    const meant = nearest(topic ?? "", Object.keys(topicSummaries()));
    throw new DutError("invalid_argument", `help knows no topic ${quote(topic ?? "")}`, {
      hint: meant === undefined ? "dutctl help lists the topics" : `did you mean ${quote(meant)}?`,
    });
  }
  await out.write({ type: "text", data: text });
}
