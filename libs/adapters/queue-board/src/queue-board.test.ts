import { createServer } from "node:http";
import type { Queue } from "@veil/job-queue";
import request from "supertest";
import { afterEach, describe, expect, it, vi } from "vitest";
import { queueBoard } from "./queue-board.ts";

const PASSWORD = "password-of-the-page";
const PATH = "/admin/queues";
const away = { all: (): Promise<readonly Queue[]> => Promise.reject(new Error("redis is away")) };

function board() {
  const errors: unknown[] = [];
  const server = createServer(
    queueBoard({ path: PATH, password: PASSWORD, queues: away, onError: (error) => errors.push(error) }),
  );
  return { agent: request(server), errors };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("queueBoard", () => {
  it.each([undefined, "Basic", "Bearer x", `Basic ${btoa(`admin:${PASSWORD}x`)}`, `Basic ${btoa(`root:${PASSWORD}`)}`])(
    "refuses %j and asks for a password",
    async (authorization) => {
      const get = board().agent.get(PATH);
      const response = await (authorization === undefined ? get : get.set("Authorization", authorization));
      expect(response.status).toBe(401);
      expect(response.headers["www-authenticate"]).toMatch(/^Basic /);
      expect(response.headers["content-security-policy"]).toContain("default-src 'none'");
    },
  );

  it("answers 429 to wrong passwords for the rest of the minute after twenty, and never to the right one", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 0 });
    const { agent } = board();
    for (let wrong = 0; wrong < 20; wrong += 1) await agent.get(PATH).auth("admin", "wrong").expect(401);
    const refused = await agent.get(PATH).auth("admin", "wrong");
    expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "60"]);
    await agent.get(PATH).auth("admin", PASSWORD).expect(503);
    await agent.get(PATH).expect(401);
    vi.setSystemTime(60_001);
    await agent.get(PATH).auth("admin", "wrong").expect(401);
  });

  it.each(["post", "put", "patch", "delete"] as const)("refuses %s, also with the password", async (method) => {
    const response = await board().agent[method](`${PATH}/api/queues/veil-keys/retry/failed`).auth("admin", PASSWORD);
    expect([response.status, response.headers["allow"]]).toEqual([405, "GET, HEAD"]);
  });

  it("refuses to read more jobs at once than a page shows", async () => {
    await board().agent.get(`${PATH}/api/queues?jobsPerPage=100000`).auth("admin", PASSWORD).expect(429);
  });

  it("says that the queues can't be read while Redis is away, without saying why", async () => {
    const { agent, errors } = board();
    const response = await agent.get(PATH).auth("admin", PASSWORD);
    expect([response.status, response.body]).toEqual([503, { detail: "The queues can't be read" }]);
    expect(errors).toMatchObject([{ message: "redis is away" }]);
  });
});
