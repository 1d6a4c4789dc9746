/** Writes pkg/protocol/gen anew from the .proto files. */
import { messageOf } from "#pkg/errors/dut-error.ts";
import { generate } from "./generated-code.ts";

try {
  await generate(".");
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
