import { DutError } from "#pkg/errors/dut-error.ts";

/** The failure of a module whose program ended by itself with a status other than 0. */
export class RemoteExit extends DutError {
  /** 1 to 255. */
  readonly status: number;

  constructor(status: number, message: string) {
    super("aborted", message);
    this.status = status;
  }
}
