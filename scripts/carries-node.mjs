/** Stands for require-pinned-node.mjs in an executable, which cannot have another Node than its own. */
export {};
