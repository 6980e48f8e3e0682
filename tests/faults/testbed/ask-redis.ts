import { connectRedis } from "@veil/redis";

type Admin = ReturnType<typeof connectRedis>;

/** Asks Redis as an operator does, over a connection of its own. */
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
