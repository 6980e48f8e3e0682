import { randomBytes, randomUUID } from "node:crypto";
import { subscriptionToken, TOKEN_SEED_BYTES } from "@veil/keys";
import type { Connection } from "mongoose";
import type { SeededKey } from "./bench-testbed.ts";

const INSERTED_AT_ONCE = 1_000;

/** Puts active keys into a database, as a worker would have left them. @param after the largest id that is there already */
export async function seedKeys(mongo: Connection, count: number, after = 0): Promise<SeededKey[]> {
  const createdAt = Math.floor(Date.now() / 1_000);
  const seeded = Array.from({ length: count }, (_, index) => {
    const keyId = after + index + 1;
    return { keyId, uuid: randomUUID(), token: subscriptionToken(keyId, randomBytes(TOKEN_SEED_BYTES)) };
  });
  const keys = mongo.collection<{ _id: string }>("keys");
  const traffic = mongo.collection<{ _id: string }>("traffic");
  for (let start = 0; start < count; start += INSERTED_AT_ONCE) {
    const part = seeded.slice(start, start + INSERTED_AT_ONCE);
    await keys.insertMany(
      part.map(({ keyId, uuid, token }) => ({
        _id: String(keyId),
        key_id: keyId,
        uuid,
        token,
        name: `user ${keyId}`,
        created_at: createdAt,
        job: `create-seed-${keyId}`,
        phase: 1,
        activated: true,
      })),
    );
    await traffic.insertMany(
      part.map(({ keyId }) => ({ _id: String(keyId), revision: 1, read_at: createdAt, live: {} })),
    );
  }
  await mongo
    .collection<{ _id: string }>("counters")
    .updateOne({ _id: "key_id" }, { $max: { value: after + count } }, { upsert: true });
  return seeded;
}
