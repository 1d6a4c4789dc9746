import { z } from "zod";
import { DutError, type DutErrorCode } from "#pkg/errors/dut-error.ts";

/** DSP0266, section "Error responses"; tasks carry the same messages under `Messages`. */
const message = z.object({
  Message: z.string().optional(),
  MessageId: z.string().optional(),
  Resolution: z.string().optional(),
});

const errorResponse = z.object({
  error: z.object({
    message: z.string().optional(),
    "@Message.ExtendedInfo": z.array(message).optional(),
  }),
});

const codes: Readonly<Record<number, DutErrorCode>> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  405: "unimplemented",
  409: "failed_precondition",
  412: "aborted",
  428: "failed_precondition",
  429: "resource_exhausted",
  501: "unimplemented",
  503: "unavailable",
};

/** Hints of our own, where the service gives no resolution. */
const hints: Readonly<Record<number, string>> = {
  401: "check the options user and password",
  403: "the user's role does not permit it, or its password must be changed first",
  404: "does the service have this function, and is the address that of a Redfish service?",
  412: "somebody else has changed it meanwhile: try again",
};

/** Of what a service says; it is not ours. */
const longestWords = 500;

/** What a service answered with a status of 400 or more. */
export function responseFault(doing: string, status: number, body: unknown): DutError {
  const parsed = errorResponse.safeParse(body);
  const { message: general, "@Message.ExtendedInfo": details = [] } = parsed.success ? parsed.data.error : {};
  const { words, resolution } = wordsOf(details);
  const hint = resolution ?? hints[status];
  return new DutError(
    codes[status] ?? "unknown",
    `${doing}: status ${status}${words === "" && general === undefined ? "" : `: ${words === "" ? general : words}`}`,
    hint === undefined ? {} : { hint },
  );
}

/** What messages of a service say, in one line, and the first advice among them. */
export function wordsOf(messages: readonly z.output<typeof message>[]) {
  const words = messages.map(({ Message, MessageId }) => Message ?? MessageId ?? "").filter((text) => text !== "");
  const resolution = messages
    .map(({ Resolution }) => Resolution)
    .find((text) => text !== undefined && !/^none\.?$/i.test(text));
  return { words: words.join(" ").slice(0, longestWords), resolution: resolution?.slice(0, longestWords) };
}

const task = z.object({
  "@odata.type": z.string().regex(/^#Task\./),
  Id: z.string().optional(),
  TaskState: z.string(),
  TaskStatus: z.string().nullish(),
  Messages: z.array(message).optional(),
});

/** Throws internal for a task that ended, and not well (schema Task); anything else is none of its business. */
export function throwUnlessTaskWell(doing: string, body: unknown): void {
  const { success, data } = task.safeParse(body);
  if (!success) {
    return;
  }
  const { TaskState, TaskStatus, Messages = [] } = data;
  if (["Exception", "Killed", "Cancelled"].includes(TaskState) || TaskStatus === "Critical") {
    const { words, resolution } = wordsOf(Messages);
    const message = `${doing}: the task ended as ${TaskState}${words === "" ? "" : `: ${words}`}`;
    throw new DutError("internal", message, resolution === undefined ? {} : { hint: resolution });
  }
}
