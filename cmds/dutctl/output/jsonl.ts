import type { Content, Renderer, RenderOptions } from "./content.ts";
import { escapeJson } from "./escape.ts";
import { commandTree, deviceEntryTree, deviceTree, endTree, runTree, type Tree } from "./trees.ts";
import { decodeUtf8 } from "./utf8.ts";

/** What a line says besides what every line has. */
interface Line {
  readonly type: string;
  readonly device?: string;
  readonly command?: string;
  readonly run?: string;
  readonly data: Tree;
  readonly stream?: "stdout" | "stderr";
  readonly encoding?: "utf-8" | "base64";
}

/** One object a line, each with the same keys; README.md tells them. Everything goes to stdout, in the order it happened. */
export function jsonlRenderer({ now, stdout }: RenderOptions): Renderer {
  return (content) => {
    const { metadata = {}, isError = false, runId, subject } = content;
    const time = now().toISOString();
    return linesOf(content).map(({ type, device, command, run, data, stream, encoding }) => {
      const line = JSON.stringify({
        time,
        type,
        error: isError,
        device: device ?? metadata.device ?? subject?.device ?? null,
        command: command ?? metadata.command ?? subject?.command ?? null,
        run: run ?? runId ?? null,
        stream: stream ?? null,
        encoding: encoding ?? null,
        data,
      });
      return `${stdout.isTerminal ? escapeJson(line) : line}\n`;
    });
  };
}

function linesOf(content: Content): Line[] {
  switch (content.type) {
    case "device-list":
      return content.data.map((entry) => ({ type: "device", device: entry.name, data: deviceEntryTree(entry) }));
    case "device-table":
      return content.data.map((row) => ({ type: "device", device: row.name, data: deviceTree(row) }));
    case "device-detail": {
      const { device, commands } = content.data;
      return [
        { type: "device", device: device.name, data: deviceTree(device) },
        ...commands.map((row) => ({ type: "command", device: device.name, data: commandTree(row) })),
      ];
    }
    case "device-event": {
      const { change, devices } = content.data;
      const changed = change.kind === "changed" ? [change.device] : change.kind === "snapshot" ? devices : [];
      return change.kind === "removed"
        ? [{ type: "device-removed", device: change.name, data: null }]
        : changed.map((row) => ({ type: "device", device: row.name, data: deviceTree(row) }));
    }
    case "command-list":
      return content.data.map((name) => ({ type: "command", data: { name, ...unknownCommand } }));
    case "command-detail":
      return [{ type: "help", data: content.data }];
    case "lock-result":
      return [{ type: "device", device: content.data.name, data: deviceEntryTree(content.data) }];
    case "run-list":
      return content.data.map((row) => {
        const { device, command, runId: run } = row;
        return { type: "run", device, command, run, data: runTree(row) };
      });
    case "file-transfer": {
      const { direction, path, bytes } = content.data;
      return [{ type: "file", data: { direction, path, bytes } }];
    }
    case "context-list":
      return content.data.map(({ name, current, settings }) => ({
        type: "context",
        data: { name, current, settings },
      }));
    case "module-output":
      return [outputLine(content.data, content.isError === true)];
    case "progress": {
      const { label, done, total, unit, finished } = content.data;
      return [{ type: "progress", data: { label, done, total: total ?? null, unit, finished } }];
    }
    case "run-end":
      return [{ type: "end", data: endTree(content.data) }];
    case "general":
      return [{ type: "error", data: { message: content.data.replace(/\n+$/, ""), hint: content.hint ?? null } }];
    default:
      return [{ type: content.type, data: content.data }];
  }
}

/** What the list of the first protocol does not say of a command. */
const unknownCommand = { description: null, arguments: null, passthrough: null, disabled: null, modules: null };

function outputLine(bytes: Uint8Array, isError: boolean): Line {
  const text = decodeUtf8(bytes);
  return {
    type: "output",
    stream: isError ? "stderr" : "stdout",
    encoding: text === undefined ? "base64" : "utf-8",
    data: text ?? Buffer.from(bytes).toString("base64"),
  };
}
