import { DutError, messageOf } from "#pkg/errors/dut-error.ts";
import type { Log, LogFields } from "#pkg/log/log.ts";
import { plainFields } from "#pkg/log/plain-fields.ts";
import type { ConfiguredModule, OpenModule } from "#pkg/modules/module.ts";
import { RemoteExit } from "#pkg/modules/remote-exit.ts";
import type { Mask } from "./mask.ts";

/** The same module, in whose help, errors and log lines the secrets of its options are hidden. What it prints is its own. */
export function maskedModule(module: ConfiguredModule, mask: Mask): ConfiguredModule {
  if (mask.isEmpty) {
    return module;
  }
  return {
    ...module,
    help: mask.text(module.help),
    async open(context) {
      const open = await hiding(mask, () => module.open({ ...context, log: maskedLog(context.log, mask) }));
      return maskedOpenModule(open, mask);
    },
  };
}

function maskedOpenModule(open: OpenModule, mask: Mask): OpenModule {
  return {
    run: (call) => hiding(mask, () => open.run({ ...call, log: maskedLog(call.log, mask) })),
    [Symbol.asyncDispose]: () => hiding(mask, async () => open[Symbol.asyncDispose]()),
  };
}

async function hiding<T>(mask: Mask, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw maskedError(error, mask);
  }
}

/** The error itself when no secret is in it or in what caused it, else one that says the same without its causes. */
function maskedError(error: unknown, mask: Mask): unknown {
  if (!tells(error, mask)) {
    return error;
  }
  const message = mask.text(messageOf(error));
  if (error instanceof RemoteExit) {
    return new RemoteExit(error.status, message);
  }
  if (error instanceof DutError) {
    const { code, hint } = error;
    return new DutError(code, message, hint === undefined ? {} : { hint: mask.text(hint) });
  }
  return new Error(message);
}

function tells(error: unknown, mask: Mask): boolean {
  const texts = error instanceof Error ? [error.message, error.stack ?? ""] : [String(error)];
  if (error instanceof DutError) {
    texts.push(error.hint ?? "");
  }
  if (texts.some((text) => mask.text(text) !== text)) {
    return true;
  }
  const inner = error instanceof AggregateError ? error.errors : [];
  const causes = error instanceof Error && error.cause !== undefined ? [error.cause, ...inner] : inner;
  return causes.some((cause) => tells(cause, mask));
}

function maskedLog(log: Log, mask: Mask): Log {
  const fieldsOf = (fields: LogFields) => mask.value(plainFields(fields, [])) as LogFields;
  const at =
    (level: "error" | "warn" | "info" | "debug") =>
    (message: string, fields: LogFields = {}) =>
      log[level](mask.text(message), fieldsOf(fields));
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    with: (fields) => maskedLog(log.with(fieldsOf(fields)), mask),
  };
}
