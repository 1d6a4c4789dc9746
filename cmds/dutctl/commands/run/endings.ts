import { DutError, type DutErrorCode, dutErrorCodes } from "#pkg/errors/dut-error.ts";
import type { RunEnd } from "../../output/content.ts";

/** A command that was run and did not succeed. Its code is the agent's word for why, and says nothing about the call. */
export class CommandFailed extends DutError {
  /** Of the program that was run, where there was one that exited by itself. */
  readonly exitStatus: number | undefined;

  constructor(code: DutErrorCode, message: string, options: { hint?: string; exitStatus: number | undefined }) {
    super(code, message, options);
    this.exitStatus = options.exitStatus;
  }
}

/** A run whose connection was lost for good: nobody here knows what has become of it. */
export class RunLost extends DutError {
  constructor(server: string, reason: string, cause: unknown) {
    super("unavailable", `lost the connection to ${server} in the middle of the run (${reason})`, {
      hint: "the command may or may not have done its work: look before you repeat it",
      cause,
    });
  }
}

/** A run that goes on with another client: what becomes of it is told there. */
export class TakenOver extends DutError {
  constructor(error: DutError, { device, runId }: { readonly device: string; readonly runId: string }) {
    super(error.code, error.message, {
      hint: `it goes on there; dutctl attach ${device} ${runId} takes it back`,
      cause: error.cause,
    });
  }
}

/** Throws what the end of a run says, unless it is a success. */
export function throwUnlessSucceeded({ code, message, hint, exitStatus }: RunEnd): void {
  if (code === "ok") {
    return;
  }
  const known = dutErrorCodes.find((word) => word === code) ?? "unknown";
  throw new CommandFailed(known, message === "" ? `the command failed: ${code}` : message, {
    ...(hint === "" ? {} : { hint }),
    exitStatus,
  });
}
