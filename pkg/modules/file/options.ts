import { isAbsolute, relative } from "node:path";
import { z } from "zod";
import { permissionOption } from "../options/permission-option.ts";

const operations = "must be 'upload' or 'download'";

export const fileOptions = z
  .strictObject({
    operation: z
      .enum(["upload", "download"], {
        error: ({ input }) =>
          input === undefined || input === ""
            ? `operation must be set in config: ${operations}`
            : `invalid operation ${JSON.stringify(input)}: ${operations}`,
      })
      .describe("`upload` takes a file from the client, `download` gives it one"),
    source: z.string().default("").describe("where the file comes from, when that is always the same"),
    destination: z.string().default("").describe("where it goes, when that is always the same"),
    permission: permissionOption().default("0644").describe("permission bits of an uploaded file"),
    root: z.string().min(1).optional().describe("directory on the agent that no path of this command leads out of"),
    directory: z.boolean().default(false).describe("a whole directory of the agent, which travels as a tar archive"),
  })
  .check(({ value: { operation, source, destination, root }, issues }) => {
    const option = operation === "upload" ? "destination" : "source";
    const path = operation === "upload" ? destination : source;
    if (root !== undefined && leaves(root, path)) {
      issues.push({
        code: "custom",
        message: `${JSON.stringify(path)} is not below the root ${JSON.stringify(root)}`,
        input: path,
        path: [option],
      });
    }
  });

export type FileOptions = z.output<typeof fileOptions>;

function leaves(root: string, path: string): boolean {
  const inside = isAbsolute(path) ? relative(root, path) : path;
  return (isAbsolute(path) && !isAbsolute(root)) || inside.split("/").includes("..");
}
