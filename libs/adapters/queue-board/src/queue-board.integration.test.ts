import { createServer } from "node:http";
import { createJobClient, openQueues } from "@veil/job-queue";
import { connectRedis } from "@veil/redis";
import { ownPrefix } from "@veil/test-support";
import request from "supertest";
import { afterAll, beforeAll, expect, inject, it, vi } from "vitest";
import { queueBoard } from "./queue-board.ts";

const PASSWORD = "password-of-the-page";
const PATH = "/admin/queues";
const UUID = "0b9bb0a4-6d3b-4a5a-8f4e-1a2b3c4d5e6f";
const prefix = ownPrefix();
const redisUrl = inject("redisUrl");
const redis = connectRedis(redisUrl, "fail-fast", () => undefined);
const queues = openQueues(redis, () => undefined, prefix);
const jobs = createJobClient({ redisUrl, prefix, onError: () => undefined });
const agent = request(createServer(queueBoard({ path: PATH, password: PASSWORD, queues, onError: () => undefined })));

beforeAll(async () => {
  await vi.waitUntil(() => redis.status === "ready" && jobs.connected);
  const payload = { key: { name: `vless://${UUID}@host`, owner: null, terms: {} }, deadline: 0, request_id: "r" };
  await jobs.submit("create-key", "create-1", payload);
});
afterAll(async () => {
  await queues.close();
  await jobs.close();
  redis.disconnect();
});

it("shows the page and its files to a caller who knows the password", async () => {
  const page = await agent.get(`${PATH}/`).auth("admin", PASSWORD).expect(200);
  const script = /src="(static\/js\/main[^"]+)"/.exec(page.text)?.[1] ?? "";
  await agent.get(`${PATH}/${script}`).auth("admin", PASSWORD).expect(200);
  await agent.get(`${PATH}/${script}`).expect(401);
});

it("shows the jobs of every queue without what is secret in them", async () => {
  const response = await agent.get(`${PATH}/api/queues?activeQueue=veil-keys&status=waiting`).auth("admin", PASSWORD);
  expect(response.status).toBe(200);
  expect(response.text).toContain("create-1");
  expect(response.text).toContain("veil-traffic");
  expect(response.text).not.toContain(UUID);
});
