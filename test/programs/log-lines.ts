/** Logs `argv[2]` numbered lines on a standard error that does not block, then says so on standard output. */
import { Socket } from "node:net";
import { createLog } from "#pkg/log/create-log.ts";

new Socket({ fd: 2 }).unref();
const log = createLog({ level: "info", format: "text" });
for (let number = 0; number < Number(process.argv[2]); number++) {
  log.info("line", { number, padding: "x".repeat(1000) });
}
process.stdout.write("survived\n");
process.exit();
