/** Said of a write that the store refused before anything of it was done. */
export const STORE_REFUSES = "the key store refuses writes";

/** Said of a job that came after its deadline: nothing of it was done. */
export const DEADLINE_PASSED = "the deadline has passed";
export const TOO_LATE = { outcome: "failed", detail: DEADLINE_PASSED } as const;
