import { expect } from "vitest";
import type { RunningStack } from "./running-stack.ts";

export interface ApiCalls {
  /** Calls a path below `/api`, and takes whatever it answers. */
  call(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Calls it and takes the body of a 200; anything else fails the test. */
  done(method: string, path: string, body?: object): Promise<unknown>;
}

/** Calls with the key of a stack. @param stack the one that runs by then */
export function apiCalls(stack: () => Pick<RunningStack, "apiUrl" | "apiKey">): ApiCalls {
  const call: ApiCalls["call"] = async (method, path, body) => {
    const { apiUrl, apiKey } = stack();
    const response = await fetch(`${apiUrl}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const done: ApiCalls["done"] = async (method, path, body) => {
    const answer = await call(method, path, body);
    expect([path, answer]).toEqual([path, { status: 200, body: expect.anything() }]);
    return answer.body;
  };
  return { call, done };
}
