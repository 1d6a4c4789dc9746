import { quote } from "#pkg/golang/quote.ts";
import type { Content, DeviceEntry, Renderer, RenderOptions, StreamStyle } from "./content.ts";
import { shownMetadata } from "./content.ts";
import { escapeLabel, escapeText } from "./escape.ts";
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

/** For people. Module output is passed on unchanged. */
export function textRenderer(options: RenderOptions): Renderer {
  const heading = headings(options);
  return (content) => {
    const style = content.isError === true ? options.stderr : options.stdout;
    const head = heading(content, style);
    if (content.type !== "module-output") {
      return head + body(content, style, options.now());
    }
    return head === "" ? content.data : Buffer.concat([Buffer.from(head), content.data]);
  };
}

function body(content: Exclude<Content, { type: "module-output" }>, style: StreamStyle, now: Date): string {
  const label = style.isTerminal ? escapeLabel : String;
  const text = style.isTerminal ? escapeText : String;
  switch (content.type) {
    case "device-list":
      return content.data.map((device) => `- ${label(device.name)}${annotation(device, style, now)}\n`).join("");
    case "command-list":
      return content.data.map((command) => `- ${label(command)}\n`).join("");
    case "command-detail":
      return `${text(content.data)}\n`;
    case "version":
      return `${content.data}\n`;
    case "lock-result":
      return `${paint(`✓ ${lockResult(content.data, now)}`, "green", style)}\n`;
    case "file-transfer": {
      const { direction, path, bytes } = content.data;
      const arrow = direction === "sent" ? "↑" : "↓";
      return `${paint(`${arrow} ${direction} ${quote(path)} (${humanBytes(bytes)})`, "cyan", style)}\n`;
    }
    case "general": {
      const hint = content.hint === undefined ? "" : `  ${text(content.hint)}\n`;
      return `${paint(`✗ ${text(content.data.replace(/\n+$/, ""))}`, "red", style)}\n${hint}`;
    }
  }
}

function annotation({ lock }: DeviceEntry, style: StreamStyle, now: Date): string {
  if (lock === undefined) {
    return "";
  }
  const owner = quote(lock.owner);
  const note = lock.expiresAt === 0 ? `[in use by ${owner}]` : `[locked by ${owner} for ${remaining(lock, now)}]`;
  return ` ${paint(note, "gray", style)}`;
}

function lockResult({ name, lock }: DeviceEntry, now: Date): string {
  if (lock === undefined) {
    return `Device ${quote(name)} unlocked`;
  }
  const span = lock.expiresAt === 0 ? "" : ` for ${remaining(lock, now)}`;
  return `Device ${quote(name)} locked by ${quote(lock.owner)}${span}`;
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
    const label = style.isTerminal ? escapeLabel : String;
    return metadataLines(metadata)
      .map((line) => `${paint(`# ${label(line)}`, "gray", style)}\n`)
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
