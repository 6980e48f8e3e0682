import { connectRedis } from "@veil/redis";

type Admin = ReturnType<typeof connectRedis>;

/** What an operator asks of Redis, over a connection of its own. */
export async function askRedis<T>(
  { redisUrl }: { readonly redisUrl: string },
  ask: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = connectRedis(redisUrl, "patient", () => undefined);
  try {
    return await ask(admin);
  } finally {
    admin.disconnect();
  }
}
