/** The gate: everything that has to hold before a commit. `--no-tests` leaves the tests out; other arguments go to them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { styleText } from "node:util";
import { messageOf } from "#pkg/errors/dut-error.ts";
import { staleFiles } from "./generated-code.ts";
import { root } from "./pinned-node.mjs";
import { testArguments } from "./test-arguments.ts";

interface Step {
  readonly name: string;
  /** What to do when it fails. */
  readonly remedy: string;
  /** Resolves to whether it passed; has printed why not. */
  passes(): Promise<boolean>;
}

const given = process.argv.slice(2);

const steps: readonly Step[] = [
  { name: "format", remedy: "npm run format", passes: () => tool("biome", "format", ".") },
  {
    name: "lint",
    remedy: "mend what is listed; npm run format mends some of it",
    passes: () => tool("biome", "check", "--formatter-enabled=false", "--error-on-warnings", "."),
  },
  { name: "types", remedy: "mend what is listed", passes: () => tool("tsc") },
  { name: "generated code", remedy: "npm run generate", passes: isGenerated },
  { name: "layers", remedy: "mend the import", passes: () => node(...testArguments(["test/layers.test.ts"])) },
];
const tests: Step = {
  name: "tests",
  remedy: "mend what is listed",
  passes: () => node(...testArguments(given)),
};

for (const { name, remedy, passes } of given.includes("--no-tests") ? steps : [...steps, tests]) {
  const started = performance.now();
  const passed = await passes();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    passed
      ? `${styleText("green", "✓")} ${name} ${seconds} s\n`
      : `${styleText("red", "✗")} ${name} failed after ${seconds} s: ${remedy}\n`,
  );
  if (!passed) {
    process.exitCode = 1;
    break;
  }
}

async function isGenerated(): Promise<boolean> {
  const stale = await staleFiles().catch((error: unknown) => {
    process.stdout.write(`${messageOf(error)}\n`);
    return undefined;
  });
  if (stale === undefined) {
    return false;
  }
  for (const name of stale) {
    process.stdout.write(`pkg/protocol/${name} is not what the .proto files give\n`);
  }
  return stale.length === 0;
}

function tool(name: string, ...args: readonly string[]): Promise<boolean> {
  return node(join(root, "node_modules/.bin", name), ...args);
}

async function node(...args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  const [code] = await once(child, "exit");
  return code === 0;
}
