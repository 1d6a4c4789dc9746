import manifest from "../../package.json" with { type: "json" };

/** What the build of an executable puts in the place of these names; from source there is nothing. */
declare const builtRevision: string | undefined;
declare const builtRevisionDate: string | undefined;

export const packageVersion = manifest.version;

/** Seven digits of the commit, `unset` when it is not known. */
export const revision = typeof builtRevision === "undefined" ? "unset" : builtRevision;

/** When it was committed, as `date` prints it in UTC; `------` when it is not known. */
export const revisionDate = typeof builtRevisionDate === "undefined" ? "------" : builtRevisionDate;
