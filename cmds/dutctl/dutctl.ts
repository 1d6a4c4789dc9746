import { hostname } from "node:os";
import { main } from "./main.ts";
import { outletOf } from "./stdio.ts";

const stop = new AbortController();

/** The first signal ends the run orderly, the second one the program. */
function onSignal(): void {
  if (stop.signal.aborted) {
    process.exit(130);
  }
  stop.abort();
}

process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);

void main(process.argv.slice(2), {
  stdin: () => process.stdin,
  stdout: outletOf(process.stdout),
  stderr: outletOf(process.stderr),
  env: process.env,
  directory: process.cwd(),
  hostname,
  now: () => new Date(),
  runtime: `node${process.versions.node}`,
  signal: stop.signal,
}).then((code) => {
  // Everything was written. Whatever still waits for input or an answer is not worth waiting for.
  process.exit(code);
});
