import { someEvent } from "@veil/events/testing";
import mongoose from "mongoose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";
import { eventId, toEventDocument } from "./event-codec.ts";

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

describe("behind a long run of events that nobody here can read", () => {
  let damaged: TestStore;
  const unreadable: string[] = [];
  beforeAll(async () => {
    damaged = await openTestStore({ onUnreadable: ({ collection, id }) => unreadable.push(`${collection} ${id}`) });
    await damaged.events.append(0, [someEvent({ keyId: 7 })]);
    const collection = damaged.connection.collection<{ readonly _id: string }>("events");
    const bad = [{ type: "key.of-a-newer-version" }, { data: "{" }, { data: "[]" }, { actor: null }];
    const documents = Array.from({ length: 12 }, (_, index) => ({
      ...toEventDocument(someEvent({ keyId: 7 }), index + 2),
      ...bad[index % bad.length],
    }));
    await collection.insertMany(documents);
    await damaged.events.append(13, [someEvent({ keyId: 7 }), someEvent({ keyId: 7 })]);
  });
  afterAll(() => damaged.close());

  test.each([
    [{ after: 0, limit: 3 }, [1, 14, 15]],
    [{ after: 1, limit: 1 }, [14]],
    [{ after: 1, limit: 2, keyId: 7 }, [14, 15]],
    [{ after: 15, limit: 2 }, []],
  ])("%j finds those that come after", async (query, seqs) => {
    expect((await damaged.events.read(query)).map(({ seq }) => seq)).toEqual(seqs);
  });

  test("each is reported, but for those of a newer version", async () => {
    unreadable.length = 0;
    await damaged.events.read({ after: 0, limit: 100 });
    expect(unreadable).toHaveLength(9);
  });
});
