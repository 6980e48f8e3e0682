import { afterAll, beforeAll, describe } from "vitest";
import type { ContractTarget } from "../../services/api/test/contract-suite.ts";
import { describeOwners } from "../../services/api/test/owners/describe-owners.ts";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let target: ContractTarget;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  // Ample time for every write, so that a machine which is busy with other things changes nothing.
  stack = await startStack(dataDir.path, { WRITE_DEADLINE_MS: "60000", RATE_LIMIT_PER_SECOND: "0" });
  target = { baseUrl: stack.apiUrl, secret: stack.apiKey, shortId: "", close: async () => undefined };
});
afterAll(async () => {
  await stack.stop();
  await dataDir.remove();
});

describe("owners on real engines", () => {
  describeOwners(() => target);
});
