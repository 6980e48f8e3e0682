import { expect, it } from "vitest";
import {
  type DeliveryState,
  type DeliveryStore,
  firstState,
  summaryOf,
  type WebhookOutbox,
  webhookOffId,
  type WebhookStore,
} from "../src/index.ts";
import { storedWebhook } from "./stored-webhook.ts";

/**
 * Registers what changes of webhooks, deliveries, and those who read them, rely on in a {@link WebhookStore}.
 *
 * @param open the store under test; other webhooks may be in it already, and each call may give the same one
 */
export function webhookStoreConformance(
  open: () => WebhookStore & DeliveryStore,
  openOutbox: () => WebhookOutbox,
): void {
  const stateOf = (id: string, attributes: Partial<DeliveryState> = {}): DeliveryState => ({
    ...firstState({ id, fromSeq: 3, revision: 1 }),
    revision: 1,
    ...attributes,
  });

  const insertedWebhook = async () => {
    const webhook = storedWebhook();
    await open().insert(webhook);
    return webhook;
  };

  it("has nothing of a webhook that was never made", async () => {
    expect(await open().find("wh_none")).toBeNull();
    expect(await open().delivery("wh_none")).toBeNull();
    expect(await open().remove("wh_none")).toBe(false);
    expect(await open().replace(storedWebhook(), 1)).toBe("outdated");
  });

  it("gives back a webhook as it was made, alone and among all", async () => {
    const webhook = storedWebhook({
      types: ["key.*", "node.down"],
      owner: "a.b$c",
      disabledReason: "dead",
      fromSeq: 7,
    });
    expect(await open().insert(webhook)).toBe("inserted");
    expect(await open().insert({ ...webhook, url: "https://other.example" })).toBe("present");
    expect(await open().find(webhook.id)).toEqual(webhook);
    expect((await open().list()).filter(({ id }) => id === webhook.id)).toEqual([webhook]);
  });

  it("lists the oldest first", async () => {
    const [older, newer] = [storedWebhook({ createdAt: 100 }), storedWebhook({ createdAt: 200 })];
    await open().insert(newer);
    await open().insert(older);
    const ids = (await open().list()).map(({ id }) => id);
    expect(ids.indexOf(older.id)).toBeLessThan(ids.indexOf(newer.id));
  });

  it("replaces a webhook of the revision that was read, and no other", async () => {
    const webhook = storedWebhook();
    await open().insert(webhook);
    const changed = {
      ...webhook,
      enabled: false,
      disabledReason: "dead",
      revision: 2,
      jobs: ["change-1"],
      jobsAt: [7],
    };
    expect(await open().replace(changed, 1)).toBe("replaced");
    expect(await open().replace({ ...webhook, revision: 2 }, 1)).toBe("outdated");
    expect(await open().find(webhook.id)).toEqual(changed);
  });

  it("keeps the deliveries of a webhook, as they follow one another", async () => {
    const { id } = await insertedWebhook();
    const lane = { subject: "key:1", seqs: [4, 9], attempts: 2, since: 1_000, nextAt: 3_000, at: 900 };
    const first = stateOf(id, { lanes: [lane], failingSince: 1_000, failures: 2, lastError: "it answered 500" });
    expect(await open().keepDelivery(first)).toBe("kept");
    expect(await open().delivery(id)).toEqual(first);
    const second = stateOf(id, { cursor: 12, lastDeliveredAt: 5_000, pausedUntil: 6_000, isSlow: true, revision: 2 });
    expect(await open().keepDelivery(second)).toBe("kept");
    const summaries = async () => (await open().deliveries()).filter(({ webhookId }) => webhookId === id);
    expect(await summaries()).toEqual([{ ...summaryOf(second), waiting: 0, nextAt: null, oldestAt: null }]);
    const more = { ...lane, subject: "key:2", seqs: [5], nextAt: 2_000, at: 950 };
    const third = { ...second, lanes: [lane, more], revision: 3 };
    expect(await open().keepDelivery(third)).toBe("kept");
    expect(await summaries()).toEqual([{ ...summaryOf(third), waiting: 3, nextAt: 2_000, oldestAt: 900 }]);
  });

  it("keeps no deliveries that follow others than those that are kept", async () => {
    const { id } = await insertedWebhook();
    const first = stateOf(id, { cursor: 5 });
    await open().keepDelivery(first);
    expect(await open().keepDelivery(first)).toBe("outdated");
    expect(await open().keepDelivery(stateOf(id, { revision: 3 }))).toBe("outdated");
    expect(await open().delivery(id)).toEqual(first);
  });

  it("lets one of many who keep deliveries at once do so", async () => {
    const { id } = await insertedWebhook();
    const race = async (revision: number) => {
      const states = [1, 2, 3, 4, 5, 6].map((cursor) => stateOf(id, { cursor, revision }));
      return (await Promise.all(states.map((state) => open().keepDelivery(state)))).filter((end) => end === "kept");
    };
    expect([await race(1), await race(2)]).toEqual([["kept"], ["kept"]]);
  });

  it("tells that a webhook was switched off until that is marked, whatever becomes of it", async () => {
    const [changed, removed] = [storedWebhook({ owner: "shop" }), storedWebhook()];
    for (const webhook of [changed, removed]) {
      await open().insert(webhook);
      const off = { ...webhook, enabled: false, disabledReason: "dead", revision: 2 };
      expect(await open().replace(off, 2, { at: 5, reason: "late" })).toBe("outdated");
      expect(await open().replace(off, 1, { at: 5, reason: "dead" })).toBe("replaced");
    }
    const event = ({ id, url, owner }: typeof changed) => ({
      ...{ id: webhookOffId(id, 2), at: 5, reason: "dead" },
      webhook: { id, url, owner },
    });
    expect(await openOutbox().pending([changed.id, removed.id])).toEqual([event(changed), event(removed)]);
    await open().replace({ ...changed, url: "https://other.example", revision: 3 }, 2);
    expect(await open().remove(removed.id)).toBe(true);
    expect([await open().find(removed.id), await open().remove(removed.id)]).toEqual([null, false]);
    expect((await open().list()).map(({ id }) => id)).not.toContain(removed.id);
    expect(await openOutbox().pending([changed.id, removed.id])).toEqual([event(changed), event(removed)]);
    expect(await openOutbox().unlogged()).toEqual(expect.arrayContaining([changed.id, removed.id]));
    await openOutbox().mark([webhookOffId(changed.id, 1), event(changed).id, event(removed).id, "wh_none-4", "x"]);
    expect(await openOutbox().pending([changed.id, removed.id])).toEqual([]);
    expect(await openOutbox().unlogged()).not.toEqual(expect.arrayContaining([changed.id]));
    expect(await open().find(changed.id)).toMatchObject({ url: "https://other.example", revision: 3 });
  });

  it("removes a webhook once, and its deliveries with it", async () => {
    const webhook = storedWebhook();
    await open().insert(webhook);
    await open().keepDelivery(stateOf(webhook.id));
    expect([await open().remove(webhook.id), await open().remove(webhook.id)]).toEqual([true, false]);
    expect([await open().find(webhook.id), await open().delivery(webhook.id)]).toEqual([null, null]);
  });

  it("keeps the deliveries of webhooks that are there when others are forgotten", async () => {
    const { id } = await insertedWebhook();
    await open().keepDelivery(stateOf(id));
    await open().forgetDeliveries();
    expect(await open().delivery(id)).toEqual(stateOf(id));
  });

  it("keeps no first delivery of a webhook that was removed meanwhile, whether or not something is to be reported of it", async () => {
    const [deleted, hidden] = [await insertedWebhook(), await insertedWebhook()];
    await open().replace({ ...hidden, enabled: false, revision: 2 }, 1, { at: 5, reason: "dead" });
    for (const { id } of [deleted, hidden]) {
      await open().remove(id);
      expect(await open().keepDelivery(stateOf(id))).toBe("outdated");
      expect(await open().delivery(id)).toBeNull();
    }
  });
}
