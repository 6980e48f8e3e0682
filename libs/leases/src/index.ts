export { KeyLeases } from "./key-leases.ts";
export { type ExclusiveTask, runExclusively } from "./run-exclusively.ts";
