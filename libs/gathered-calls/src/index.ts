/** Coalesced calls: asked for one by one, carried out in batches. Pure: knows no engine, only that a call costs a trip. */
export { CoalescedCalls, type CoalescedCallsOptions } from "./coalesced-calls.ts";
