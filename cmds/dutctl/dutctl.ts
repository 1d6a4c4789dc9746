import { hostname, userInfo } from "node:os";
import { ForwardedSignals } from "./forwarded-signals.ts";
import { main } from "./main.ts";
import { openStdio } from "./stdio.ts";

const stop = new AbortController();
const { lastWord, ...streams } = openStdio(process);

/** How long an orderly end may take when the terminal is gone and nobody is left to press Ctrl-C again, in milliseconds. */
const deserted = 5_000;

/** The first signal ends the run orderly, the second one the program. */
function onSignal(signal: NodeJS.Signals): void {
  if (stop.signal.aborted) {
    lastWord("left at once; the command may still be stopping", { echoed: signal === "SIGINT" });
    process.exit(130);
  }
  stop.abort();
  if (signal === "SIGHUP") {
    setTimeout(() => process.exit(130), deserted).unref();
  }
}

process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);
process.on("SIGHUP", onSignal);
const signals = new ForwardedSignals();
// Meant for what runs at the device. Without a handler the terminal would be left as a device made it.
for (const [name, code] of [
  ["SIGQUIT", 131],
  ["SIGUSR2", 140],
] as const) {
  process.on(name, () => {
    if (!signals.tell(name)) {
      process.exit(code);
    }
  });
}

void main(process.argv.slice(2), {
  ...streams,
  env: process.env,
  directory: process.cwd(),
  hostname,
  userName: () => userInfo().username,
  now: () => new Date(),
  runtime: `node${process.versions.node}`,
  onSignal: (listener) => signals.onSignal(listener),
  signal: stop.signal,
}).then((code) => {
  // Everything was written. Whatever still waits for input or an answer is not worth waiting for.
  process.exit(code);
});
