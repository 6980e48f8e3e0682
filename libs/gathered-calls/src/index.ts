/** Calls that are asked for one by one and carried out in batches. Pure: knows no engine, only that a call costs a trip. */
export { GatheredCalls, type GatheredCallsOptions } from "./gathered-calls.ts";
