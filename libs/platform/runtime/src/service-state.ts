/**
 * Where a service process stands. Every change is logged.
 *
 * - `starting`: opening what it needs; alive, not ready.
 * - `running`: `start` has resolved; ready as long as its dependencies are.
 * - `draining`: asked to stop, or failing; not ready, takes no new work, finishes or hands back what it has.
 * - `stopped`: everything is released or the deadline has passed; the process exits.
 *
 * `starting` goes to `running` or straight to `draining`; nothing ever goes back.
 */
export type ServiceState = "starting" | "running" | "draining" | "stopped";
