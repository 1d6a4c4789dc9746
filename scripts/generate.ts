/** Writes pkg/protocol/gen anew from the .proto files. */
import { generate } from "./generated-code.ts";

await generate(".");
