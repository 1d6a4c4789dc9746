import type { CommandRow, Content, DeviceRow, RunRow } from "../output/content.ts";

const at = (time: string) => Date.parse(`2026-11-20T${time}Z`);

export const free: DeviceRow = {
  name: "board-1",
  description: "the spare one",
  labels: { soc: "imx8", rack: "2" },
  state: "free",
  reason: "",
  offlineSinceMs: 0,
  lock: undefined,
  hold: undefined,
};

export const busy: DeviceRow = {
  ...free,
  name: "board-2",
  labels: {},
  state: "busy",
  lock: { owner: "alice@h", sinceMs: at("10:02:00"), untilMs: at("10:57:00") },
  hold: { owner: "alice@h", sinceMs: at("10:20:00"), runId: "r1", command: "flash" },
};

export const offline: DeviceRow = {
  ...free,
  name: "évil\x1b[2J",
  description: "",
  state: "offline",
  reason: "its agent is gone",
  offlineSinceMs: at("09:58:00"),
};

export const flash: CommandRow = {
  name: "flash",
  description: "writes an image",
  arguments: [{ name: "image", description: "what to write" }],
  passthrough: false,
  disabled: "",
  modules: ["flash", "gpio-switch"],
};

export const console: CommandRow = {
  name: "console",
  description: "",
  arguments: [],
  passthrough: true,
  disabled: "no /dev/ttyUSB0",
  modules: ["serial"],
};

export const going: RunRow = {
  runId: "r1",
  device: "board-2",
  command: "flash",
  args: ["a.img"],
  owner: "alice@h",
  sinceMs: at("10:20:00"),
  attached: false,
  graceUntilMs: at("10:28:00"),
  end: undefined,
};

export const ended: RunRow = {
  ...going,
  runId: "r0",
  sinceMs: Date.parse("2026-11-19T09:00:00Z"),
  graceUntilMs: 0,
  end: { exitStatus: 3, code: "aborted", message: "flashing failed", hint: "" },
};

/** What the words of our own protocol say. */
export const table: Content = { type: "device-table", data: [free, busy, offline] };
export const detail: Content = { type: "device-detail", data: { device: busy, commands: [flash, console] } };
export const snapshot: Content = {
  type: "device-event",
  data: { devices: [free, busy], change: { kind: "snapshot" } },
};
export const changed: Content = {
  type: "device-event",
  data: { devices: [free, busy], change: { kind: "changed", device: busy } },
};
export const removed: Content = {
  type: "device-event",
  data: { devices: [free], change: { kind: "removed", name: "board-2" } },
};
export const runs: Content = { type: "run-list", data: [going, ended] };
export const notice: Content = { type: "notice", data: "alice@h took the device" };
export const progress: Content = {
  type: "progress",
  data: { label: "a.img", done: 1, total: undefined, unit: "bytes", finished: false },
};
export const end: Content = { type: "run-end", data: { exitStatus: undefined, code: "ok", message: "", hint: "" } };
