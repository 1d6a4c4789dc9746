/** Words of dutctl's own in the place of a device. */
export const reservedDevices: ReadonlySet<string> = new Set(["list", "version"]);

/** Words of dutctl's own in the place of a command. */
export const reservedCommands: ReadonlySet<string> = new Set(["lock", "unlock", "help"]);

/** Words that dutctl has learnt since: a device of such a name is reached behind `--` only. */
export const dutctlWords: ReadonlySet<string> = new Set([
  "attach",
  "runs",
  "describe",
  "watch",
  "config",
  "completion",
  "help",
]);
