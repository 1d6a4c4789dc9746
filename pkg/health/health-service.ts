import type { ConnectRouter } from "@connectrpc/connect";
import { DutError } from "#pkg/errors/dut-error.ts";
import { quote } from "#pkg/golang/quote.ts";
import {
  Health,
  type HealthCheckResponse_ServingStatus as Status,
  HealthCheckResponse_ServingStatus as status,
} from "#pkg/protocol/gen/grpc/health/v1/health_pb.ts";
import type { Readiness } from "./readiness.ts";

/** grpc.health.v1 for the services that are named, and for the program as a whole: they are ready together. */
export function healthRoutes(readiness: Readiness, services: readonly string[]): (router: ConnectRouter) => void {
  const known = new Set(["", Health.typeName, ...services]);
  const now = (): Status => (readiness.reasons.length === 0 ? status.SERVING : status.NOT_SERVING);
  return (router) => {
    router.service(Health, {
      check({ service }) {
        if (!known.has(service)) {
          throw new DutError("not_found", `service ${quote(service)}: no such service`);
        }
        return { status: now() };
      },
      async *watch({ service }, { signal }) {
        const statusNow = known.has(service) ? now : () => status.SERVICE_UNKNOWN;
        for await (const current of changes(readiness, statusNow, signal)) {
          yield { status: current };
        }
      },
    });
  };
}

/** A value as it is, then whenever it is another one, until the program leaves or the signal aborts. */
async function* changes<T>(readiness: Readiness, value: () => T, signal: AbortSignal): AsyncGenerator<T> {
  let news = Promise.withResolvers<void>();
  const wake = () => news.resolve();
  using _ = readiness.onChange(wake);
  signal.addEventListener("abort", wake);
  for (let told: T | undefined; ; ) {
    const current = value();
    if (signal.aborted) {
      return;
    }
    if (current !== told) {
      told = current;
      yield current;
    }
    if (readiness.leaving) {
      return;
    }
    await news.promise;
    news = Promise.withResolvers();
  }
}
