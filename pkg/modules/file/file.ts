import { quote } from "#pkg/golang/quote.ts";
import { defineModule } from "../module.ts";
import { findTool } from "../tool/find-tool.ts";
import { downloadDirectory, uploadDirectory } from "./archive.ts";
import { download } from "./download.ts";
import { type FileOptions, fileOptions } from "./options.ts";
import { parsePaths } from "./parse-paths.ts";
import { upload } from "./upload.ts";

/** Carries files between the client and the agent. */
export const file = defineModule({
  name: "file",
  summary: "carry files between you and the agent",
  config: fileOptions,
  help: helpText,
  async open(options, { host, log }) {
    const { operation, source, directory, root } = options;
    const tar = directory ? await findTool(host.processes, "tar", "tar") : undefined;
    if (operation === "download" && source === "" && root === undefined) {
      log.warn("a file module without root hands out every file that the agent may read");
    }
    return {
      async run(call) {
        const paths = parsePaths(call.args, options);
        const transfer = { paths, options, host, call };
        if (tar !== undefined) {
          await (operation === "upload" ? uploadDirectory(transfer, tar) : downloadDirectory(transfer, tar));
        } else {
          await (operation === "upload" ? upload(transfer) : download(transfer));
        }
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});

function helpText({ operation, source, destination, permission, root, directory }: FileOptions): string {
  const usage = {
    both: "(no arguments)",
    source: "<destination>",
    destination: "<source>",
    neither: "<source>[:<destination>]",
  }[
    source !== "" && destination !== ""
      ? "both"
      : source !== ""
        ? "source"
        : destination !== ""
          ? "destination"
          : "neither"
  ];
  const [from, to] = operation === "upload" ? ["you", "the agent"] : ["the agent", "you"];
  const what = directory ? "a directory of the agent, as a tar archive," : "a file";
  const facts = [
    source === "" ? "" : `The source is ${quote(source)}.`,
    destination === "" ? "" : `The destination is ${quote(destination)}.`,
    operation === "upload" && !directory ? `The file gets the permission ${permission}.` : "",
    root === undefined ? "" : `Paths on the agent start at ${root} and stay below it.`,
  ].filter((fact) => fact !== "");
  return `${usage}    carries ${what} from ${from} to ${to}\n\n${facts.map((fact) => `${fact}\n`).join("")}`;
}
