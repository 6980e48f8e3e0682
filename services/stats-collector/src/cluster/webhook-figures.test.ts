import { firstState } from "@veil/webhooks";
import { InMemoryWebhooks, storedWebhook } from "@veil/webhooks/testing";
import { expect, it } from "vitest";
import { readWebhookFigures } from "./webhook-figures.ts";

it("counts webhooks, what waits, and finds the oldest event that one of them lacks", async () => {
  const webhooks = new InMemoryWebhooks();
  const ats: number[] = [];
  const events = {
    read: async ({ after, limit }: { readonly after: number; readonly limit: number }) =>
      ats.slice(after, after + limit).map((at) => ({ at })),
    checkpoint: async () => ats.length,
  };
  expect(await readWebhookFigures(webhooks, events)).toEqual({
    counts: { on: 0, off: 0, dead: 0 },
    waiting: 0,
    oldestAt: null,
  });
  const on = storedWebhook();
  for (const webhook of [
    on,
    storedWebhook({ enabled: false }),
    storedWebhook({ enabled: false, disabledReason: "dead" }),
  ]) {
    await webhooks.insert(webhook);
  }
  const counts = { on: 1, off: 1, dead: 1 };
  expect(await readWebhookFigures(webhooks, events)).toEqual({ counts, waiting: 0, oldestAt: null });
  ats.push(1, 2, 3);
  expect(await readWebhookFigures(webhooks, events)).toEqual({ counts, waiting: 0, oldestAt: 1_000 });
  await webhooks.keepDelivery({ ...firstState(on), cursor: 2, revision: 1 });
  expect(await readWebhookFigures(webhooks, events)).toEqual({ counts, waiting: 0, oldestAt: 3_000 });
  const lane = { subject: "key:1", seqs: [1, 2], attempts: 1, since: 1, nextAt: 1, at: 1_000 };
  await webhooks.keepDelivery({ ...firstState(on), cursor: 3, lanes: [lane], revision: 2 });
  expect(await readWebhookFigures(webhooks, events)).toEqual({ counts, waiting: 2, oldestAt: 1_000 });
});
