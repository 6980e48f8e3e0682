import { StoreUnavailableError } from "@veil/keys";
import mongoose from "mongoose";
import { afterEach, describe, expect, it, vi } from "vitest";
import { storeErrors } from "./store-errors.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("storeErrors", () => {
  it.each([
    ["the driver's own", new mongoose.mongo.MongoNetworkError("connection 50 closed")],
    ["a socket's", Object.assign(new Error("This socket has been ended by the other party"), { code: "EPIPE" })],
  ])("takes %s failure for an outage", async (_, error) => {
    await expect(storeErrors(() => Promise.reject(error))).rejects.toThrow(StoreUnavailableError);
  });

  it("leaves alone what waiting would not cure", async () => {
    const error = new TypeError("wrong");
    await expect(storeErrors(() => Promise.reject(error))).rejects.toBe(error);
  });

  it("gives up an operation that never ends, and keeps no timer for one that did", async () => {
    vi.useFakeTimers();
    expect(await storeErrors(async () => 7)).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
    const given = storeErrors(() => new Promise(() => undefined));
    vi.advanceTimersByTime(60_000);
    await expect(given).rejects.toThrow(StoreUnavailableError);
  });
});
