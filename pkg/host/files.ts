/** The part of the file system that modules keep things in. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by the first module that keeps files
export interface Files {}
