import { noHints } from "@veil/events/testing";
import type { Delivery } from "@veil/job-queue";
import { InMemoryTokens, storedToken } from "@veil/tokens/testing";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook } from "@veil/webhooks/testing";
import { expect, it } from "vitest";
import { tokenJobHandlers } from "./token-job-handlers.ts";
import { webhookChangeHandlers } from "./webhook-job-handlers.ts";

const now = () => 2_001;
const delivery: Delivery = { jobId: "job-1", requestId: "r", requestedAt: 1, attempt: 1, redelivered: false };
const asked = { deadline: 2_000, request_id: "r" };

it("ends every change of a token or webhook that comes after its deadline as timed out", async () => {
  const { text: _text, ...token } = storedToken();
  const tokens = new InMemoryTokens();
  await tokens.insert(token);
  const ofTokens = tokenJobHandlers({ tokens, now, hints: noHints });
  const webhook = storedWebhook();
  const webhooks = new InMemoryWebhooks();
  await webhooks.insert(webhook);
  const ofWebhooks = webhookChangeHandlers({ webhooks, events: new InMemoryEvents(), now });
  const giver = { scopes: ["*"], owner: null, addresses: null } as const;
  const ofOneToken = { token_id: token.id, giver, ...asked };
  const ofOneWebhook = { webhook_id: webhook.id, owner: null, ...asked };
  const { text: _other, ...newToken } = storedToken();
  const ends = await Promise.all([
    ofTokens["create-token"]({ token: newToken, ...asked }, delivery),
    ofTokens["change-token"]({ ...ofOneToken, change: { rate: 1 } }, delivery),
    ofTokens["delete-token"](ofOneToken, delivery),
    ofWebhooks["create-webhook"]({ webhook: storedWebhook(), ...asked }, delivery),
    ofWebhooks["change-webhook"]({ ...ofOneWebhook, change: { enabled: false } }, delivery),
    ofWebhooks["delete-webhook"](ofOneWebhook, delivery),
  ]);
  expect(ends).toEqual(Array.from({ length: 6 }, () => ({ outcome: "failed", detail: "timed out" })));
  expect([await tokens.find(newToken.id), (await webhooks.list()).length]).toEqual([null, 1]);
});
