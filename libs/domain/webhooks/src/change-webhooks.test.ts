import { expect, it } from "vitest";
import { InMemoryWebhooks, storedWebhook } from "../test/index.ts";
import { changeWebhook } from "./change-webhooks.ts";

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
