import { endpoints } from "@veil/http-contract";
import { afterEach, expect, it, vi } from "vitest";
import { call } from "../../test/contract/bot.ts";
import { startInMemoryApi } from "../../test/in-memory/start-in-memory-api.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([
  ["/api/keys", endpoints.createKey, {}],
  ["/api/keys/batch", endpoints.createKeys, { keys: [{}] }],
] as const)("checks a body of %s once, however it is answered", async (path, { body }, sent) => {
  const api = await startInMemoryApi();
  const checks = vi.spyOn(body.schema, "safeParse");
  await call(api, "post", path).send(sent).expect(200);
  await call(api, "post", path).set("Idempotency-Key", "once").send(sent).expect(200);
  await call(api, "post", path).set("Prefer", "respond-async").send(sent).expect(202);
  await api.close();
  expect(checks).toHaveBeenCalledTimes(3);
});
