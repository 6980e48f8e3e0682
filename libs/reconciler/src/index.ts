/** Diff of desired and actual users, and the loop that applies it to one node. */
export {};
