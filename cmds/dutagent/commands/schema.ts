import { configSchema } from "#pkg/config/schema/config-schema.ts";
import { DutError } from "#pkg/errors/dut-error.ts";
import { moduleKinds } from "#pkg/modules/modules.ts";

/** `dutagent schema`: the JSON Schema of the configuration file. */
export function schemaText(args: readonly string[]): string {
  if (args.length > 0) {
    throw new DutError("invalid_argument", "schema takes no arguments");
  }
  return `${JSON.stringify(configSchema(moduleKinds), null, 2)}\n`;
}
