import { setTimeout as sleep } from "node:timers/promises";
import { startWebhookReceiver, take, type WebhookReceiver } from "@veil/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type RunningStack, startStack, temporaryDataDir } from "../support/running-stack.ts";

const BOTS = 4;
const ROUNDS = 3;

const key = z.looseObject({ key_id: z.number() });
const webhook = z.looseObject({ id: z.string(), secret: z.string() });
const event = z.looseObject({
  id: z.string(),
  seq: z.number(),
  type: z.string(),
  data: z.looseObject({ key: z.looseObject({ key_id: z.number(), revision: z.number() }) }),
});

const eventList = z.object({ events: z.array(z.looseObject({ type: z.string() })) });

let dataDir: Awaited<ReturnType<typeof temporaryDataDir>>;
let stack: RunningStack;
let receiver: WebhookReceiver;

beforeAll(async () => {
  dataDir = await temporaryDataDir();
  receiver = await startWebhookReceiver();
  stack = await startStack(dataDir.path, { WEBHOOK_ALLOW_PRIVATE: "true" });
});
afterAll(async () => {
  await stack.stop();
  await receiver.close();
  await dataDir.remove();
});

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(stack.apiUrl + path, {
    method,
    headers: { authorization: `Bearer ${stack.apiKey}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** The answers about a bot's key, up to the first call that failed. */
interface Answered {
  readonly keyId: number;
  readonly types: string[];
}

async function runBot(bot: number, answered: Answered[]): Promise<void> {
  const steps = [
    { type: "key.updated", method: "PATCH", body: { note: "n" } },
    { type: "key.disabled", method: "PATCH", body: { enabled: false } },
    { type: "key.enabled", method: "PATCH", body: { enabled: true } },
    { type: "key.deleted", method: "DELETE", body: undefined },
  ] as const;
  for (let each = 0; each < 4; each += 1) {
    const made = await call("POST", "/api/keys", { name: `bot-${bot}-${each}` }).catch(() => null);
    if (made === null) continue;
    const { key_id: keyId } = key.parse(made);
    const types = ["key.created"];
    answered.push({ keyId, types });
    for (const { type, method, body } of steps) {
      // A change after a call that failed may change nothing, and has no event then.
      if ((await call(method, `/api/keys/${keyId}`, body).catch(() => null)) === null) break;
      types.push(type);
    }
  }
}

test("each answered change reaches the receiver, in order of its key, while the worker is killed", async () => {
  const { id, secret } = webhook.parse(await call("POST", "/api/webhooks", { url: receiver.url, types: ["key.*"] }));
  receiver.secret = secret;
  receiver.answer = async (received, response) => {
    const dice = Math.random();
    if (dice < 0.15) void response.writeHead(500).end();
    else if (dice < 0.25) response.destroy();
    else void take(received, response);
  };
  const answered: Answered[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const bots = Array.from({ length: BOTS }, (_, bot) => runBot(bot, answered));
    await sleep(700);
    const { pid } = (await stack.readRunFile())["xray-worker"];
    process.kill(pid, "SIGKILL");
    await Promise.all(bots);
    await expect.poll(async () => (await stack.readRunFile())["xray-worker"].pid, { timeout: 60_000 }).not.toBe(pid);
  }
  receiver.answer = take;
  const arrived = () => {
    const events = receiver.taken.map(({ body }) => event.parse(JSON.parse(body)));
    return events.filter(({ seq }, index) => events.findIndex((one) => one.seq === seq) === index);
  };
  const wanted = answered.flatMap(({ keyId, types }) => types.map((type) => `${keyId} ${type}`));
  // As the webhook has them: a node that a starved machine could not reach in time is reported as well.
  const logged = async () => {
    const { events } = eventList.parse(await call("GET", "/api/events?limit=1000"));
    return events.filter(({ type }) => type.startsWith("key.")).map((one) => event.parse(one));
  };
  const unlogged = async () => {
    const there = new Set((await logged()).map(({ type, data }) => `${data.key.key_id} ${type}`));
    return wanted.filter((one) => !there.has(one));
  };
  await expect.poll(unlogged, { timeout: 120_000, interval: 500 }).toEqual([]);
  const all = await logged();
  const missing = () => {
    const there = new Set(receiver.taken.map(({ seq }) => seq));
    return all.filter(({ seq }) => !there.has(seq)).map(({ seq, type }) => `${seq} ${type}`);
  };
  await expect.poll(missing, { timeout: 120_000, interval: 500 }).toEqual([]);
  expect(receiver.forged).toEqual([]);
  const seqsOf = new Map<number, number[]>();
  for (const { seq, data } of arrived()) {
    seqsOf.set(data.key.key_id, [...(seqsOf.get(data.key.key_id) ?? []), seq]);
  }
  for (const seqs of seqsOf.values()) expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  process.stdout.write(
    `${wanted.length} answered changes of ${answered.length} keys, ${arrived().length} events, ` +
      `${receiver.received.length} attempts, ${receiver.taken.length - arrived().length} taken twice\n`,
  );
  await expect
    .poll(() => call("GET", `/api/webhooks/${id}`), { timeout: 60_000 })
    .toMatchObject({ enabled: true, failing_since: null });
});
