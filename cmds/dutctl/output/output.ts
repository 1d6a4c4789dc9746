import type { Format } from "../grammar.ts";
import type { Outlet } from "../world.ts";
import type { Content, Renderer, RenderOptions } from "./content.ts";

/** Where the commands put what they have to say. */
export interface Output {
  readonly format: Format;
  /** Resolves when it has left the process. */
  write(content: Content): Promise<void>;
}

/** Loads the renderer of a format: start-up pays for the one that is used. */
export async function openOutput(
  format: Format,
  outlets: { readonly stdout: Outlet; readonly stderr: Outlet },
  options: RenderOptions,
): Promise<Output> {
  const render = await rendererOf(format, options);
  return {
    format,
    write: (content) => (content.isError === true ? outlets.stderr : outlets.stdout).write(render(content)),
  };
}

async function rendererOf(format: Format, options: RenderOptions): Promise<Renderer> {
  switch (format) {
    case "text":
      return (await import("./text.ts")).textRenderer(options);
    case "jsonl":
    case "json":
      return (await import("./json.ts")).jsonRenderer(options);
    case "yaml":
      return (await import("./yaml.ts")).yamlRenderer(options);
    case "oneline":
      return (await import("./oneline.ts")).onelineRenderer(options);
  }
}
