import { beforeEach, describe, expect, it } from "vitest";
import { InMemoryEvents, InMemoryWebhooks, storedWebhook } from "../test/index.ts";
import { changeWebhook, createWebhook } from "./change-webhooks.ts";

describe("in a further attempt of a write", () => {
  let webhooks: InMemoryWebhooks;
  let now: number;
  beforeEach(() => {
    webhooks = new InMemoryWebhooks();
    now = 1_000;
  });
  const ports = () => ({ webhooks, events: new InMemoryEvents(), now: () => now });
  const attempt = (verb: string, number: number) =>
    `${verb}-webhook-once-0123456789abcdef0123456789abcdef01234567-${number}`;
  const create = (job: string) => createWebhook({ job, deadline: 2_000, webhook: storedWebhook() }, ports());

  it("finds the webhook that the attempt before made after all, under an id of its own", async () => {
    const first = await create(attempt("create", 1));
    now = 3_000;
    expect(await create(attempt("create", 2))).toEqual(first);
    expect(await webhooks.list()).toHaveLength(1);
  });

  it("does not undo what came after the change that the attempt before made", async () => {
    const { webhook } = await create("create-1").then((end) => (end.outcome === "created" ? end : expect.fail()));
    const change = (job: string, url: string) =>
      changeWebhook({ job, deadline: 2_000, id: webhook.id, owner: null, change: { url } }, ports());
    await change(attempt("update", 1), "https://a.example.com/");
    await change("change-2", "https://b.example.com/");
    expect(await change(attempt("update", 2), "https://a.example.com/")).toMatchObject({
      outcome: "changed",
      webhook: { url: "https://b.example.com/", revision: 3 },
    });
  });
});
