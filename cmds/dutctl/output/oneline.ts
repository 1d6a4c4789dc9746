import {
  type Content,
  type DeviceEntry,
  errorText,
  type Renderer,
  type RenderOptions,
  shownMetadata,
} from "./content.ts";
import { escapeLabel } from "./escape.ts";
import { timestamp } from "./timestamp.ts";

/** `timestamp,type,INFO|ERROR[,key=value...],data`: for grep and cut. Newlines in data stay as they are. */
export function onelineRenderer(options: RenderOptions): Renderer {
  return (content) => {
    const metadata = shownMetadata(content, options.verbose).map(([key, value]) => `${key}=${quoteField(value)}`);
    const level = content.isError === true ? "ERROR" : "INFO";
    const head = [timestamp(options.now()), content.type, level, ...metadata, ""].join(",");
    if (content.type === "module-output") {
      const field = quoteField(Buffer.from(content.data).toString("latin1"));
      return Buffer.concat([Buffer.from(head), Buffer.from(`${field}\n`, "latin1")]);
    }
    const line = `${head}${quoteField(fieldOf(content))}`;
    const style = content.isError === true ? options.stderr : options.stdout;
    return `${style.isTerminal ? escapeLabel(line) : line}\n`;
  };
}

/** Quoted only when it holds a comma or a blank, as the existing program does. */
function quoteField(text: string): string {
  return /[, ]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function fieldOf(content: Exclude<Content, { type: "module-output" }>): string {
  switch (content.type) {
    case "device-list":
      return content.data.map(deviceField).join("|");
    case "command-list":
      return content.data.join("|");
    case "lock-result":
      return deviceField(content.data);
    case "file-transfer":
      return `${content.data.direction} ${content.data.bytes} ${content.data.path}`;
    case "general":
      return errorText(content);
    default:
      return content.data;
  }
}

function deviceField({ name, lock }: DeviceEntry): string {
  return lock === undefined ? name : `${name}=${lock.expiresAt === 0 ? "in-use" : "locked"}:${lock.owner}`;
}
