import type { EventHints } from "../src/index.ts";

/** Hints that nobody takes. */
export const noHints: EventHints = { expect: async () => ({ ready: () => undefined }) };
