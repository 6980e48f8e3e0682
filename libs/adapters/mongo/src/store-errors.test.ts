import { StoreRejectedError, StoreUnavailableError } from "@veil/keys";
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

  it.each([
    [50, "MaxTimeMSExpired"],
    [64, "WriteConcernFailed"],
    [91, "ShutdownInProgress"],
    [189, "PrimarySteppedDown"],
    [11600, "InterruptedAtShutdown"],
    [11601, "Interrupted"],
    [11602, "InterruptedDueToReplStateChange"],
  ])("takes the server's %i, %s, for an outage in which the operation may have happened", async (code, codeName) => {
    const error = new mongoose.mongo.MongoServerError({ code, codeName });
    const thrown = await storeErrors(() => Promise.reject(error)).catch((reason: unknown) => reason);
    expect(thrown).toBeInstanceOf(StoreUnavailableError);
    expect(thrown).not.toBeInstanceOf(StoreRejectedError);
  });

  it.each([
    [13, "Unauthorized"],
    [18, "AuthenticationFailed"],
    [10107, "NotWritablePrimary"],
    [13435, "NotPrimaryNoSecondaryOk"],
    [14031, "OutOfDiskSpace"],
  ])("takes the server's %i, %s, for a refusal: nothing happened", async (code, codeName) => {
    const error = new mongoose.mongo.MongoServerError({ code, codeName });
    await expect(storeErrors(() => Promise.reject(error))).rejects.toThrow(StoreRejectedError);
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
