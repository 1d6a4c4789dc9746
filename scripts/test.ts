/**
 * `npm test -- [options] [files…]`: every test, or the files given, with the options of `node --test`. A value
 * belongs to its option by `=`: --test-name-pattern=relay.
 */

import { runProgram } from "./run-program.mjs";
import { testArguments } from "./test-arguments.ts";

await runProgram(process.execPath, testArguments(process.argv.slice(2)));
