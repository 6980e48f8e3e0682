import { someEvent } from "@veil/events/testing";
import mongoose from "mongoose";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";
import { eventId } from "./event-codec.ts";

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

test("an event that comes while others are looked for shows no sooner than the one before it", async () => {
  const { events } = store;
  await events.append(0, [someEvent()]);
  let onAdded = () => undefined as void;
  const added = new Promise<void>((resolve) => (onAdded = resolve));
  const { findOne } = mongoose.mongo.Collection.prototype;
  const spy = vi.spyOn(mongoose.mongo.Collection.prototype, "findOne");
  // The second one is looked for before it is there, the third one afterwards.
  spy.mockImplementation(async function find(this: unknown, ...args: unknown[]) {
    const asked = String(Reflect.get(Object(args[0]), "_id"));
    if (/^\d+$/.test(asked) && asked > eventId(2)) await added;
    const found: unknown = await Reflect.apply(findOne, this, args);
    if (asked !== eventId(2)) return found;
    await events.append(1, [someEvent(), someEvent()]);
    onAdded();
    return found;
  });
  try {
    const seqs = (await events.read({ after: 0, limit: 10 })).map(({ seq }) => seq);
    expect(seqs).toEqual([1, 2, 3].slice(0, Math.max(1, seqs.length)));
  } finally {
    spy.mockRestore();
  }
});
