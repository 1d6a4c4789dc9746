/**
 * attend.ts PORT NAME [deaf]: says its name at a roll call and stays until it is ended; `deaf` ignores every signal that
 * can be ignored. It also goes when the roll call is closed, so that a failed test leaves nothing behind.
 */
import { connect } from "node:net";

const [port, name, hearing] = process.argv.slice(2);
if (hearing === "deaf") {
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {});
  }
}
const roll = connect(Number(port), "127.0.0.1");
roll.on("close", () => process.exit());
roll.resume().write(`${name}\n`);
