import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { SEAL_NONCE_BYTES, SEALING_KEY_BYTES, sealSecret, SECRET_BYTES, secretText } from "@veil/webhooks";
import { storedWebhook } from "@veil/webhooks/testing";
import { expect, test } from "vitest";
import { WebhookSender } from "./webhook-sender.ts";

const page = readFileSync(new URL("../../../../docs/bots.md", import.meta.url), "utf8");
const [, program = ""] = /### A receiver in Python\n\n```python\n(.*?)```/s.exec(page) ?? [];
const hasPython = spawnSync("python3", ["--version"]).status === 0;

test.runIf(hasPython)("the receiver of docs/bots.md takes what is signed, once, and nothing else", async () => {
  const secret = secretText(randomBytes(SECRET_BYTES));
  const receiver = spawn("python3", ["-c", program], { env: { ...process.env, WEBHOOK_SECRET: secret, PORT: "0" } });
  const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
  const sealingKey = randomBytes(SEALING_KEY_BYTES);
  const sender = new WebhookSender({ sealingKey, isPrivateAllowed: true, agent: "Veil/1", now: Date.now });
  const late = new WebhookSender({
    sealingKey,
    isPrivateAllowed: true,
    agent: "Veil/1",
    now: () => Date.now() - 301_000,
  });
  try {
    const port = /^listening on (\d+)$/.exec(String((await lines.next()).value))?.[1];
    const webhook = storedWebhook({ url: `http://127.0.0.1:${port}/` });
    const seal = (text: string) => sealSecret(text, webhook.id, sealingKey, randomBytes(SEAL_NONCE_BYTES));
    const genuine = { ...webhook, sealedSecret: seal(secret) };
    const forged = { ...webhook, sealedSecret: seal(secretText(randomBytes(SECRET_BYTES))) };
    const event = (seq: number) => ({
      id: `evt_${seq}`,
      body: JSON.stringify({ id: `evt_${seq}`, seq, type: "key.created", data: { note: "ключ" } }),
    });
    const refused = { outcome: "failed", error: "The receiver answered 401" };
    expect(await sender.send(event(1), forged)).toEqual(refused);
    expect(await late.send(event(1), genuine)).toEqual(refused);
    for (const seq of [1, 1, 2]) expect(await sender.send(event(seq), genuine)).toEqual({ outcome: "delivered" });
    expect([(await lines.next()).value, (await lines.next()).value]).toEqual(["1 key.created", "2 key.created"]);
  } finally {
    receiver.kill("SIGKILL");
    await Promise.all([sender.stop(), late.stop()]);
  }
});
