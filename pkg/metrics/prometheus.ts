import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { EventLoopLag, type Statistic } from "./event-loop-lag.ts";
import { limitNames } from "./limit-names.ts";
import type { Metrics, Thing, Traffic } from "./metrics.ts";

/** Metrics that Prometheus can read. Disposing stops what measures the process. */
export interface ExposedMetrics extends Metrics, Disposable {
  /** Of the text. */
  readonly contentType: string;
  text(): Promise<string>;
}

/** Of calls of the store, in seconds: from memory to a disk that is slow. */
const storeBuckets = [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** The metrics of one program, with names that begin with it, and those that Prometheus expects of any process. */
export function openPrometheus(program: "dutagent" | "dutserver"): ExposedMetrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const gauge = (name: string, help: string) => new Gauge({ name: `${program}_${name}`, help, registers });
  const things: Readonly<Record<Thing, Gauge>> = {
    sessions: gauge("sessions", "connections between agents and servers that agents have made and keep"),
    streams: gauge("streams", "calls over HTTP/2 that are open"),
    runs: gauge("runs", "commands that run, or are forwarded"),
  };
  const traffic = new TrafficCount();
  new Gauge({
    name: `${program}_connections`,
    help: "connections that were accepted, or made to a server, and are open",
    registers,
    collect() {
      this.set(traffic.connections);
    },
  });
  new Counter({
    name: `${program}_bytes_total`,
    help: "bytes over these connections, by direction: received or sent",
    labelNames: ["direction"],
    registers,
    collect() {
      const { received, sent } = traffic.bytes;
      this.reset();
      this.inc({ direction: "received" }, received);
      this.inc({ direction: "sent" }, sent);
    },
  });
  const limitHits = new Counter({
    name: `${program}_limit_hits_total`,
    help: "how often a limit has refused or ended something, by limit",
    labelNames: ["limit"],
    registers,
  });
  for (const limit of Object.keys(limitNames)) {
    limitHits.inc({ limit }, 0);
  }
  const lag = new EventLoopLag();
  new Gauge({
    name: `${program}_event_loop_lag_seconds`,
    help: "how late timers were in the last 30 to 60 s, by statistic: p50, p99 or max",
    labelNames: ["statistic"],
    registers,
    collect() {
      for (const [statistic, seconds] of Object.entries(lag.delays) as [Statistic, number][]) {
        this.set({ statistic }, seconds);
      }
    },
  });
  const store = new Histogram({
    name: `${program}_store_seconds`,
    help: "how long calls of the store take, by call",
    labelNames: ["call"],
    buckets: storeBuckets,
    registers,
  });
  return {
    open(thing) {
      things[thing].inc();
      return once(() => things[thing].dec());
    },
    connection: (socket) => traffic.add(socket),
    limitHit: (limit) => limitHits.inc({ limit }),
    storeCall: (call, seconds) => store.observe({ call }, seconds),
    contentType: register.contentType,
    text: () => register.metrics(),
    [Symbol.dispose]() {
      lag[Symbol.dispose]();
      register.clear();
    },
  };
}

/** Sums up what sockets count themselves, so that nothing is done for a byte that passes. */
class TrafficCount {
  readonly #open = new Set<Traffic>();
  #received = 0;
  #sent = 0;

  get connections(): number {
    return this.#open.size;
  }

  get bytes(): { readonly received: number; readonly sent: number } {
    let received = this.#received;
    let sent = this.#sent;
    for (const { bytesRead, bytesWritten } of this.#open) {
      received += bytesRead;
      sent += bytesWritten;
    }
    return { received, sent };
  }

  add(traffic: Traffic): Disposable {
    this.#open.add(traffic);
    return once(() => {
      this.#open.delete(traffic);
      this.#received += traffic.bytesRead;
      this.#sent += traffic.bytesWritten;
    });
  }
}

function once(act: () => void): Disposable {
  let done = false;
  return {
    [Symbol.dispose]() {
      if (!done) {
        done = true;
        act();
      }
    },
  };
}
