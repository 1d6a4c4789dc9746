import { DutError } from "#pkg/errors/dut-error.ts";

/** The user has left a console, and its run with it. */
export class LeftConsole extends DutError {
  constructor() {
    super("canceled", "left the console by Ctrl-A x");
  }
}
