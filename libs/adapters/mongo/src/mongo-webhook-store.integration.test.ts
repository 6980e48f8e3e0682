import { firstState, summaryOf } from "@veil/webhooks";
import { storedWebhook } from "@veil/webhooks/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openTestStore, type TestStore } from "../test/open-test-store.ts";

let store: TestStore;
const unreadable: string[] = [];

beforeAll(async () => {
  store = await openTestStore({ onUnreadable: ({ id }) => unreadable.push(id) });
});

afterAll(async () => {
  await store.connection.dropDatabase();
  await store.close();
});

const documents = () => store.connection.collection<{ readonly _id: string }>("webhook_deliveries");
const lane = { subject: "key:1", seqs: [4, 9], attempts: 2, since: 1_000, nextAt: 3_000, at: 900 };
const found = async (id: string) => (await store.webhooks.deliveries()).find(({ webhookId }) => webhookId === id);

it("tells how deliveries are without reading what waits", async () => {
  const state = { ...firstState({ id: "wh_summary", fromSeq: 3, revision: 1 }), lanes: [lane], revision: 1 };
  await store.webhooks.insert(storedWebhook({ id: state.webhookId }));
  await store.webhooks.keepDelivery(state);
  await documents().updateOne({ _id: "wh_summary" }, { $set: { lanes: "were not read" } });
  expect([await found("wh_summary"), unreadable]).toEqual([summaryOf(state), []]);
});

it("takes nothing for true that a version before, which keeps no summary, has left behind", async () => {
  const state = { ...firstState({ id: "wh_older", fromSeq: 3, revision: 1 }), lanes: [lane], revision: 1 };
  await store.webhooks.insert(storedWebhook({ id: state.webhookId }));
  await store.webhooks.keepDelivery(state);
  const later = { subject: "key:1", seqs: [9], attempts: 1, since: 1_000, next_at: 7_000, at: 1_900 };
  await documents().updateOne({ _id: "wh_older" }, { $set: { lanes: [later], revision: 2 } });
  expect(await found("wh_older")).toMatchObject({ nextAt: 7_000, waiting: 1, oldestAt: 1_900, revision: 2 });
  await documents().updateOne({ _id: "wh_older" }, { $unset: { summary: true } });
  expect(await found("wh_older")).toMatchObject({ nextAt: 7_000, waiting: 1, oldestAt: 1_900, revision: 2 });
});

it("forgets what versions before left of webhooks that are gone, and nothing of one that can't be read", async () => {
  const states = ["wh_kept", "wh_damaged", "wh_gone", "wh_hidden"].map((webhookId) => ({
    ...firstState({ id: webhookId, fromSeq: 3, revision: 1 }),
    revision: 1,
  }));
  for (const state of states) {
    await store.webhooks.insert(storedWebhook({ id: state.webhookId }));
    await store.webhooks.keepDelivery(state);
  }
  const webhooks = store.connection.collection<{ readonly _id: string }>("webhooks");
  await webhooks.updateOne({ _id: "wh_damaged" }, { $set: { url: 7 } });
  await webhooks.updateOne({ _id: "wh_hidden" }, { $set: { removed: true } });
  await webhooks.deleteOne({ _id: "wh_gone" });
  await store.webhooks.forgetDeliveries();
  const left = await Promise.all(states.map(({ webhookId }) => store.webhooks.delivery(webhookId)));
  expect(left.map((state) => state?.webhookId)).toEqual(["wh_kept", "wh_damaged", undefined, undefined]);
});
