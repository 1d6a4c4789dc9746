/** `idle-sessions.ts PORT COUNT`: opens so many sessions of HTTP/2 and prints how many kilobytes each of them needs. */
import { once } from "node:events";
import { connect } from "node:http2";

/** How many open at the same time. */
const atOnce = 50;

const [port = "", count = ""] = process.argv.slice(2);
const before = process.memoryUsage.rss();
for (let opened = 0; opened < Number(count); opened += atOnce) {
  const sessions = Array.from({ length: atOnce }, () => connect(`http://127.0.0.1:${port}`));
  await Promise.all(sessions.map((session) => once(session, "connect")));
}
const bytes = process.memoryUsage.rss() - before;
process.stdout.write(`${bytes / 1000 / Number(count)}\n`, () => process.exit(0));
