import type { Format } from "../options.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { Outlet } from "../world.ts";
import { type Content, type Renderer, type RenderOptions, streamOf } from "./content.ts";

/** Where the commands put what they have to say. */
export interface Output {
  readonly format: Format;
  /** Resolves when it has left the process. */
  write(content: Content): Promise<void>;
}

export interface Outlets {
  readonly stdout: Outlet;
  readonly stderr: Outlet;
  readonly terminal?: Terminal | undefined;
}

/** Loads the renderer of a format: start-up pays for the one that is used. */
export async function openOutput(format: Format, outlets: Outlets, options: RenderOptions): Promise<Output> {
  const render = await rendererOf(format, options);
  const screen = format === "text" && outlets.stdout.isTerminal ? outlets.terminal : undefined;
  return {
    format,
    async write(content) {
      if (content.type === "device-event" && screen !== undefined) {
        const { watchTable } = await import("./watch-table.ts");
        return screen.footer.show(watchTable(content.data, options.now(), screen.size()));
      }
      if (content.type === "general") {
        await screen?.footer.keep();
      }
      if ((content.type === "general" || content.type === "notice") && outlets.stderr.isTerminal) {
        // Behind a prompt of the device it would look like the device's.
        await screen?.footer.freshLine();
      }
      const outlet = format === "jsonl" ? outlets.stdout : outlets[streamOf(content)];
      for (const piece of render(content)) {
        await outlet.write(piece);
      }
    },
  };
}

async function rendererOf(format: Format, options: RenderOptions): Promise<Renderer> {
  switch (format) {
    case "text":
      return (await import("./text.ts")).textRenderer(options);
    case "jsonl":
      return (await import("./jsonl.ts")).jsonlRenderer(options);
    case "json":
      return (await import("./json.ts")).jsonRenderer(options);
    case "yaml":
      return (await import("./yaml.ts")).yamlRenderer(options);
    case "oneline":
      return (await import("./oneline.ts")).onelineRenderer(options);
  }
}
