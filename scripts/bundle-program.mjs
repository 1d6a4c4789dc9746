import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./pinned-node.mjs";

/**
 * Bundles `cmds/<program>/<program>.ts` into one CommonJS file. What the source imports lazily is loaded lazily:
 * esbuild makes a function of each such module, and `require` of Node's own modules stands inside it.
 *
 * @param {string} program
 * @param {string} outfile
 */
export async function bundleProgram(program, outfile) {
  await build({
    entryPoints: [join(root, "cmds", program, `${program}.ts`)],
    outfile,
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: `node${process.versions.node}`,
    format: "cjs",
    // An uncaught exception prints the line it was thrown from: names stay, and lines stay short.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 200,
    legalComments: "none",
    logLevel: "warning",
    // The code cache of an executable does not know import(): all of it becomes require.
    supported: { "dynamic-import": false },
    banner: { js: 'const bundleUrl=require("node:url").pathToFileURL(__filename).href;' },
    define: { "import.meta.url": "bundleUrl", ...revisionConstants() },
    // A native part that ssh2 does without, and asks for so that it may be missing.
    external: ["cpu-features"],
    plugins: [englishOnly],
    alias: {
      // The executable carries the pinned Node.
      "#pinned-node": join(root, "scripts/carries-node.mjs"),
    },
  });
}

/**
 * zod exports its messages in fifty languages in one object, so that none of them is left out as unused. A daemon speaks
 * English, and is half a megabyte smaller.
 *
 * @type {import("esbuild").Plugin}
 */
const englishOnly = {
  name: "english-only",
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** What pkg/protocol/build-info.ts says in an executable; nothing when the source is not a git work tree. */
function revisionConstants() {
  const [revision, seconds] = git("log", "-1", "--format=%h %ct", "--abbrev=7").split(" ");
  if (!revision || seconds === undefined) {
    return {};
  }
  return {
    builtRevision: JSON.stringify(revision),
    builtRevisionDate: JSON.stringify(unixDate(new Date(Number(seconds) * 1000))),
  };
}

/** Empty outside a git work tree. @param {readonly string[]} args */
function git(...args) {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
}

/** `Mon Jan  2 15:04:05 UTC 2006` @param {Date} date */
function unixDate(date) {
  const [weekday = "", day = "", month = "", year = "", time = ""] = date.toUTCString().replace(",", "").split(" ");
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} UTC ${year}`;
}
