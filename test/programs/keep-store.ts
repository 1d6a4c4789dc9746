/** keep-store.ts DIRECTORY: opens the store there, says "open" with its process id, and waits to be killed. */
import { openSqliteStore } from "#pkg/store/sqlite/open-sqlite-store.ts";

const [directory = ""] = process.argv.slice(2);
await using _ = openSqliteStore(directory);
process.stdout.write(`open ${process.pid}\n`);
await new Promise((resolve) => process.stdin.once("end", resolve).resume());
