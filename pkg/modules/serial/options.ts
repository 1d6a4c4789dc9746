import { isAbsolute } from "node:path";
import { z } from "zod";
import { parseDuration } from "#pkg/golang/duration.ts";
import type { LineSettings } from "#pkg/host/serial-ports.ts";
import { durationOption } from "../options/duration-option.ts";
import type { PortUser } from "./port/kept-port.ts";
import type { RecordingPlan, RecordTo } from "./port/plan.ts";

const noPort = "COM port is not set: give the path of the device";
const megabyte = 1024 * 1024;

export const serialOptions = z.strictObject({
  port: z
    .string({ error: ({ input }) => (input === undefined ? noPort : "must be the path of the device") })
    .min(1, noPort)
    .describe("path of the serial device on the agent, such as `/dev/ttyUSB0`"),
  baud: z.int().positive().default(115_200).describe("bits per second"),
  databits: z.literal([5, 6, 7, 8]).default(8).describe("bits of a character"),
  parity: z.enum(["none", "even", "odd"]).default("none").describe("parity bit"),
  stopbits: z.literal([1, 2]).default(1).describe("stop bits"),
  flow: z.enum(["none", "rtscts", "xonxoff"]).default("none").describe("flow control"),
  dtr: z.boolean().optional().describe("DTR when the port is opened"),
  rts: z.boolean().optional().describe("RTS when the port is opened"),
  delay: durationOption().default("50ms").describe("pause before each send, as a Go duration; `0s` sets none"),
  watch: z.boolean().default(false).describe("only look: any number of runs, also while others use the device"),
  record: z
    .string()
    .refine((to) => to === "off" || to === "memory" || isAbsolute(to), {
      message: "must be off, memory, or the absolute path of a directory",
    })
    .optional()
    .describe("`memory`, `off`, or the directory of the files to record in as well"),
  history: z
    .int()
    .min(64 * 1024)
    .max(64 * megabyte)
    .optional()
    .describe("bytes of the device's output that are kept in memory"),
  "record-size": z
    .int()
    .min(megabyte)
    .default(16 * megabyte)
    .describe("bytes of one file"),
  "record-files": z.int().min(2).max(1_000).default(4).describe("files that are kept, the oldest of which is removed"),
});

export type SerialOptions = z.output<typeof serialOptions>;

/** The port's settings as an entry wants them. */
export function portUser({ baud, databits, parity, stopbits, flow, dtr, rts }: SerialOptions): PortUser {
  return { baud, dataBits: databits, parity, stopBits: stopbits, flow, lines: { dtr, rts } } satisfies LineSettings & {
    lines: unknown;
  };
}

/** What an entry wants of the recording of its port. */
export function recordingPlan(options: SerialOptions): RecordingPlan {
  return { history: options.history, record: recordTo(options), writes: !options.watch };
}

export function sendDelayMs({ delay }: SerialOptions): number {
  return parseDuration(delay);
}

function recordTo({ record, "record-size": fileBytes, "record-files": files }: SerialOptions): RecordTo | undefined {
  switch (record) {
    case undefined:
      return undefined;
    case "off":
    case "memory":
      return { kind: record };
    default:
      return { kind: "directory", directory: record, fileBytes, files };
  }
}
