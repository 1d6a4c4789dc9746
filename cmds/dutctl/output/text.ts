import { quote } from "#pkg/golang/quote.ts";
import type { Content, DeviceEntry, Renderer, RenderOptions, StreamStyle } from "./content.ts";
import { shownMetadata, streamOf } from "./content.ts";
import { contextLines, descriptionLines, deviceTable, eventLines, runTable, spanText } from "./device-lines.ts";
import { cut, escapeLabel, escapeText } from "./escape.ts";
import { humanBytes, remaining } from "./human.ts";

const colours = { gray: 90, cyan: 36, red: 31, green: 32, yellow: 33 } as const;

/** A line in a colour, where colours are wanted. */
export function paint(
  line: string,
  colour: keyof typeof colours,
  { colour: wanted }: Pick<StreamStyle, "colour">,
): string {
  return wanted ? `\x1b[${colours[colour]}m${line}\x1b[0m` : line;
}

/** For people. What peers say is shown escaped and cut, wherever it goes; module output is passed on unchanged. */
export function textRenderer(options: RenderOptions): Renderer {
  const heading = headings(options);
  return (content) => {
    if (content.type === "progress" || content.type === "run-end") {
      return [];
    }
    const style = options[streamOf(content)];
    const head = heading(content, style);
    if (content.type !== "module-output") {
      return [head + body(content, style, options.now())];
    }
    return head === "" ? [content.data] : [head, content.data];
  };
}

function body(
  content: Exclude<Content, { type: "module-output" | "progress" | "run-end" }>,
  style: StreamStyle,
  now: Date,
): string {
  switch (content.type) {
    case "device-list":
      return inLines(content.data.map((device) => `- ${escapeLabel(device.name)}${annotation(device, style, now)}`));
    case "device-table":
      return inLines(deviceTable(content.data, now));
    case "device-detail":
      return inLines(descriptionLines(content.data, now));
    case "device-event":
      return inLines(eventLines(content.data, now));
    case "command-list":
      return inLines(content.data.map((command) => `- ${escapeLabel(command)}`));
    case "command-detail":
      return `${escapeText(content.data)}\n`;
    case "run-list":
      return inLines(runTable(content.data, now));
    case "context-list":
      return inLines(contextLines(content.data));
    case "version":
      return `${content.data}\n`;
    case "text":
      return content.data;
    case "lock-result":
      return `${paint(`✓ ${lockResult(content.data, now)}`, "green", style)}\n`;
    case "file-transfer": {
      const { direction, path, bytes } = content.data;
      const arrow = direction === "sent" ? "↑" : "↓";
      return `${paint(`${arrow} ${direction} ${quote(cut(path, longestPath))} (${humanBytes(bytes)})`, "cyan", style)}\n`;
    }
    case "notice":
      return `${paint(escapeLabel(content.data, longestSentence), "gray", style)}\n`;
    case "general": {
      const message = escapeText(content.data.replace(/\n+$/, ""), longestSentence);
      const hint = content.hint === undefined ? "" : `  ${escapeText(content.hint, longestSentence)}\n`;
      return `${paint(`✗ ${message}`, "red", style)}\n${hint}`;
    }
  }
}

const longestPath = 4096;
const longestSentence = 4096;

function inLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function annotation({ lock }: DeviceEntry, style: StreamStyle, now: Date): string {
  if (lock === undefined) {
    return "";
  }
  const owner = quote(cut(lock.owner));
  const note = lock.expiresAt === 0 ? `[in use by ${owner}]` : `[locked by ${owner} for ${remaining(lock, now)}]`;
  // Scripts know the line as it ends with the bracket.
  const span = style.isTerminal ? spanText((lock.lockedAt ?? 0) * 1000, lock.expiresAt * 1000, now) : "";
  return ` ${paint(`${note}${span}`, "gray", style)}`;
}

function lockResult({ name, lock }: DeviceEntry, now: Date): string {
  if (lock === undefined) {
    return `Device ${quote(cut(name))} unlocked`;
  }
  const span = lock.expiresAt === 0 ? "" : ` for ${remaining(lock, now)}`;
  return `Device ${quote(cut(name))} locked by ${quote(cut(lock.owner))}${span}`;
}

/** The lines of metadata before a content: once, and again when they change or the other stream is written to. */
function headings({ verbose }: RenderOptions): (content: Content, style: StreamStyle) => string {
  let shown = "";
  return (content, style) => {
    const metadata = shownMetadata(content, verbose);
    const key = JSON.stringify([content.isError === true, metadata]);
    if (metadata.length === 0 || key === shown) {
      return "";
    }
    shown = key;
    return metadataLines(metadata)
      .map((line) => `${paint(`# ${escapeLabel(line, longestSentence)}`, "gray", style)}\n`)
      .join("");
  };
}

function metadataLines(metadata: readonly [key: string, value: string][]): string[] {
  const { server, msg, device, command, args, ...others } = Object.fromEntries(metadata);
  const call = args === undefined || args === "" ? command : `${command} ${args}`;
  const sentence = [
    ...(server === undefined ? [] : [`connected to ${server}`]),
    ...(msg === undefined ? [] : [`(${msg})`]),
    ...(device === undefined ? [] : [`device ${quote(device)}`]),
    ...(command === undefined ? [] : [`executing '${call}'`]),
  ].join(" ");
  return [...(sentence === "" ? [] : [sentence]), ...Object.entries(others).map(([key, value]) => `${key}: ${value}`)];
}
