/** How often every process looks which nodes there are, give or take {@link FLEET_LOOK_JITTER}. Changes are announced besides. */
export const FLEET_LOOK_EVERY_MS = 1_000;
export const FLEET_LOOK_JITTER = 0.1;

/**
 * By then every worker knows what was changed about the nodes, also when nothing announced it and one look failed. Nobody fills a
 * node earlier: a key that is deleted while it is filled is taken out there as well, whichever worker deletes it.
 */
export const KNOWN_TO_ALL_MS = 3 * FLEET_LOOK_EVERY_MS;
