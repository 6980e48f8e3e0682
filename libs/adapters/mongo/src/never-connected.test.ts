import { StoreUnavailableError } from "@veil/keys";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MongoStore, openMongoStore } from "./open-mongo-store.ts";

let store: MongoStore;
const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);

beforeAll(() => {
  process.on("unhandledRejection", note);
  // Nothing listens on the port that is for discarding.
  const uri = "mongodb://127.0.0.1:9/veil";
  store = openMongoStore({ uri, now: () => 0, onError: () => {}, onUnreadable: () => {}, onIgnored: () => {} });
});
afterAll(async () => {
  process.off("unhandledRejection", note);
  await store.close();
});

test("counting keys before MongoDB was ever reached is refused once, and ends no process", async () => {
  await expect(store.housekeeping.countByState()).rejects.toThrow(StoreUnavailableError);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(unhandled).toEqual([]);
});
