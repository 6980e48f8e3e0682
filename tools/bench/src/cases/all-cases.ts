import type { BenchCase } from "../harness/bench-case.ts";
import { batchCreateCase } from "./batch-create.ts";
import { changeCases } from "./change.ts";
import { createAloneCase, createAmongManyCase, createCase } from "./create.ts";
import { deleteCase } from "./delete.ts";
import { driftCase } from "./drift.ts";
import { expireCase } from "./expire.ts";
import { listCase } from "./list.ts";
import { listPageCase } from "./list-page.ts";
import { readCases } from "./read-one.ts";
import { rebuildCase } from "./rebuild.ts";
import { startCase } from "./start.ts";
import { subscriptionCases } from "./subscription.ts";
import { syncCase } from "./sync.ts";

/** All lines of the table, in the order in which they are measured. */
export const allCases: readonly BenchCase[] = [
  createCase,
  createAloneCase,
  deleteCase,
  batchCreateCase,
  ...changeCases,
  expireCase,
  ...readCases,
  ...subscriptionCases,
  listCase(5_000),
  syncCase(1),
  syncCase(10),
  syncCase(100),
  rebuildCase(10_000),
  startCase,
  rebuildCase(50_000),
  driftCase,
  listCase(50_000),
  listPageCase,
  createAmongManyCase,
];
