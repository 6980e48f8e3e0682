import { REPEATED_WITHIN_MS } from "@veil/idempotency";
import { expect, it } from "vitest";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook } from "../test/index.ts";
import { changeWebhook, createWebhook } from "./change-webhooks.ts";

it("changes a webhook once in all attempts of a write: what came in between stays", async () => {
  const webhooks = new InMemoryWebhooks();
  const { id } = storedWebhook();
  await webhooks.insert(storedWebhook({ id }));
  const change = (job: string, url: string) =>
    changeWebhook({ job, deadline: 2_000, id, owner: null, change: { url } }, { webhooks, now: () => 1_000 });
  const attempt = (number: number) => `update-webhook-once-0123456789abcdef0123456789abcdef01234567-${number}`;
  await change(attempt(1), "https://a.example.com/");
  await change("change-2", "https://b.example.com/");
  expect(await change(attempt(2), "https://a.example.com/")).toMatchObject({
    outcome: "changed",
    webhook: { url: "https://b.example.com/", revision: 3 },
  });
});

it("changes a webhook anew by an Idempotency-Key that did so more than a day before", async () => {
  const webhooks = new InMemoryWebhooks();
  const { id } = storedWebhook();
  await webhooks.insert(storedWebhook({ id }));
  const change = (job: string, enabled: boolean, at: number) =>
    changeWebhook({ job, deadline: at, id, owner: null, change: { enabled } }, { webhooks, now: () => at });
  const job = "update-webhook-once-0123456789abcdef0123456789abcdef01234567-1";
  await change(job, false, 1_000);
  await change("change-2", true, 1_000);
  expect(await change(job, false, 1_000 + REPEATED_WITHIN_MS)).toMatchObject({ webhook: { enabled: true } });
  expect(await change(job, false, 1_000 + 2 * REPEATED_WITHIN_MS)).toMatchObject({ webhook: { enabled: false } });
});

it("makes a webhook once within a day of an Idempotency-Key, and says so when the key is used again later", async () => {
  const webhooks = new InMemoryWebhooks();
  const createdAt = 1_800_000_000;
  const webhook = storedWebhook({ id: "wh_0123456789abcdef0123", createdAt });
  const create = (attempt: number, now: number) =>
    createWebhook(
      {
        job: `create-webhook-once-0123456789abcdef0123456789abcdef01234567-${attempt}`,
        deadline: now + 1_000,
        webhook,
      },
      { webhooks, events: new InMemoryEvents(), now: () => now },
    );
  const first = await create(1, createdAt * 1_000);
  expect(first).toMatchObject({ outcome: "created", webhook: { id: webhook.id } });
  expect(await create(2, createdAt * 1_000 + REPEATED_WITHIN_MS)).toEqual(first);
  const later = createdAt * 1_000 + 2 * REPEATED_WITHIN_MS;
  const detail = `webhook ${webhook.id} was made by such a request before: to make another one, use a new Idempotency-Key`;
  expect(await create(1, later)).toEqual({ outcome: "taken", detail });
  await webhooks.remove(webhook.id);
  // Its id is kept a while longer, where that it was switched off is still to be logged.
  webhooks.insert = async () => "present";
  expect(await create(1, later)).toEqual({ outcome: "taken", detail });
});
