import { quote } from "#pkg/golang/quote.ts";
import { humanDuration } from "#pkg/lock/human-duration.ts";
import { clockTime } from "./clock-time.ts";
import type { CommandRow, ContextRow, DeviceDescription, DeviceEvent, DeviceRow, RunRow } from "./content.ts";
import { cut, escapeLabel } from "./escape.ts";
import { type Column, table } from "./table.ts";

const deviceColumns: readonly Column[] = [
  { title: "DEVICE", widest: 40 },
  { title: "STATE", widest: 10 },
  { title: "HOLDER", widest: 40 },
  { title: "SINCE", widest: 16 },
  { title: "UNTIL", widest: 16 },
  { title: "COMMAND", widest: 30 },
  { title: "LABELS", widest: 60 },
  { title: "DESCRIPTION", widest: 80 },
];

/** Every device with who has it, what runs on it and what it is. */
export function deviceTable(devices: readonly DeviceRow[], now: Date, width?: number): string[] {
  return table(
    deviceColumns,
    devices.map((device) => deviceCells(device, now)),
    width,
  );
}

function deviceCells(device: DeviceRow, now: Date): string[] {
  const { name, state, description, labels, reason, offlineSinceMs, lock, hold } = device;
  const about = [...(reason === "" ? [] : [`(${reason})`]), description].join(" ").trim();
  return [
    name,
    state,
    hold?.owner ?? lock?.owner ?? "",
    shortTime(hold?.sinceMs ?? lock?.sinceMs ?? offlineSinceMs, now),
    shortTime(lock?.untilMs ?? 0, now),
    hold?.command ?? "",
    labelText(labels),
    about,
  ];
}

/** A device, what it can do, and who has it. */
export function descriptionLines({ device, commands }: DeviceDescription, now: Date): string[] {
  const { name, state, description, reason, offlineSinceMs, labels, lock, hold } = device;
  const standing = `${state}${spanText(offlineSinceMs, 0, now)}`;
  const facts: readonly (readonly [string, string])[] = [
    ["description", description],
    ["labels", labelText(labels)],
    ["state", reason === "" ? standing : `${standing} (${reason})`],
    ["locked by", lock === undefined ? "" : `${quote(cut(lock.owner))}${spanText(lock.sinceMs, lock.untilMs, now)}`],
    [
      "in use by",
      hold === undefined
        ? ""
        : `${quote(cut(hold.owner))}${spanText(hold.sinceMs, 0, now)}: ${escapeLabel(hold.command)} (run ${hold.runId})`,
    ],
  ];
  return [
    escapeLabel(name),
    ...facts.flatMap(([title, text]) => (text === "" ? [] : [`  ${title}: ${escapeLabel(text, 1024)}`])),
    ...(commands.length === 0 ? [] : ["  commands:", ...commands.flatMap(commandLines)]),
  ];
}

function commandLines({ name, description, arguments: args, passthrough, disabled, modules }: CommandRow): string[] {
  const placeholders = args.map((argument) => `<${argument.name}>`);
  const usage = [name, ...placeholders, ...(passthrough ? ["[args...]"] : [])].join(" ");
  const steps = modules.length === 0 ? "" : ` (${modules.join(", ")})`;
  const lines = [
    `    ${escapeLabel(usage)}${description === "" ? "" : `  ${escapeLabel(description, 1024)}`}${escapeLabel(steps)}`,
    ...args.flatMap((argument) =>
      argument.description === ""
        ? []
        : [`      <${escapeLabel(argument.name)}>  ${escapeLabel(argument.description, 1024)}`],
    ),
  ];
  return disabled === "" ? lines : [...lines, `      disabled: ${escapeLabel(disabled, 1024)}`];
}

/** A change in one line, for a log. */
export function eventLines({ change, devices }: DeviceEvent, now: Date): string[] {
  const told = change.kind === "snapshot" ? devices : change.kind === "changed" ? [change.device] : [];
  return change.kind === "removed"
    ? [`${timeOfDay(now)} ${escapeLabel(change.name)} removed`]
    : told.map((device) => `${timeOfDay(now)} ${escapeLabel(device.name)} ${stateText(device)}`);
}

function stateText({ state, reason, lock, hold }: DeviceRow): string {
  const held = hold === undefined ? "" : ` by ${quote(cut(hold.owner))} running ${escapeLabel(hold.command)}`;
  const locked = lock === undefined ? "" : `${hold === undefined ? "" : ", locked"} by ${quote(cut(lock.owner))}`;
  return `${state}${held}${locked}${reason === "" ? "" : ` (${escapeLabel(reason)})`}`;
}

const runColumns: readonly Column[] = [
  { title: "RUN", widest: 64 },
  { title: "DEVICE", widest: 40 },
  { title: "COMMAND", widest: 60 },
  { title: "OWNER", widest: 40 },
  { title: "SINCE", widest: 16 },
  { title: "STATE", widest: 60 },
];

export function runTable(runs: readonly RunRow[], now: Date): string[] {
  return table(
    runColumns,
    runs.map((run) => [
      run.runId,
      run.device,
      [run.command, ...run.args].join(" "),
      run.owner,
      shortTime(run.sinceMs, now),
      runState(run, now),
    ]),
  );
}

function runState({ attached, graceUntilMs, end }: RunRow, now: Date): string {
  if (end !== undefined) {
    // In front of the message, which may be cut.
    const status = end.exitStatus === undefined || end.exitStatus === 0 ? "" : ` (exit status ${end.exitStatus})`;
    return `ended${status}: ${end.code === "ok" ? "ok" : end.message || end.code}`;
  }
  if (attached) {
    return "running";
  }
  const left = graceUntilMs === 0 ? "" : ` for another ${humanSeconds(graceUntilMs - now.getTime())}`;
  return `running without its client${left}`;
}

/** The contexts by name, the current one marked, with what they set. */
export function contextLines(contexts: readonly ContextRow[]): string[] {
  return contexts.map(({ name, current, settings }) => {
    const set = Object.entries(settings).map(([key, value]) => ` ${escapeLabel(key)}=${escapeLabel(value)}`);
    return `${current ? "*" : " "} ${escapeLabel(name)}${set.join("")}`;
  });
}

/** Since when and until when, as far as both are known: ` since 10:02, until 10:57`. Times are Unix time in milliseconds. */
export function spanText(sinceMs: number, untilMs: number, now: Date): string {
  const parts = [
    ...(sinceMs === 0 ? [] : [`since ${shortTime(sinceMs, now)}`]),
    ...(untilMs === 0 ? [] : [`until ${shortTime(untilMs, now)}`]),
  ];
  return parts.length === 0 ? "" : ` ${parts.join(", ")}`;
}

/** The empty string for 0, which says that it is not known, and for what is no time. */
function shortTime(ms: number, now: Date): string {
  return ms === 0 || Number.isNaN(new Date(ms).getTime()) ? "" : clockTime(ms, now);
}

/** A moment in a log that is written as things happen. */
function timeOfDay(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((value) => String(value).padStart(2, "0"))
    .join(":");
}

function humanSeconds(ms: number): string {
  return ms < 120_000 ? `${Math.max(0, Math.ceil(ms / 1000))}s` : humanDuration(ms);
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}
