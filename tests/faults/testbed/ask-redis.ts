import { connectRedis } from "@veil/redis";
import type { FaultTestbed } from "./start-fault-testbed.ts";

type Admin = ReturnType<typeof connectRedis>;

/** What an operator asks of Redis, over a connection of its own. */
export async function askRedis<T>({ redisUrl }: FaultTestbed, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = connectRedis(redisUrl, "patient", () => undefined);
  try {
    return await ask(admin);
  } finally {
    admin.disconnect();
  }
}
