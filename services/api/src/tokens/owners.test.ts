import { afterAll, beforeAll, describe } from "vitest";
import { describeOwners } from "../../test/owners/describe-owners.ts";
import { type InMemoryApi, startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

let api: InMemoryApi;
beforeAll(async () => {
  api = await startInMemoryApi({ writeDeadlineMs: 5_000 });
});
afterAll(async () => {
  await api.close();
});

describe("owners in memory", () => {
  describeOwners(() => api);
});
