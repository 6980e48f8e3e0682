import { z } from "zod";

// A literal copy of what the catalogue of version 1.0 says of creations. It is history: it never changes.

const keyName = z.string().max(512).nullable();
const requestId = z.string().max(128);
const deadline = z.number().int();

const createdKey = z.object({
  key_id: z.number().int().positive(),
  uuid: z.uuid(),
  name: keyName,
  created_at: z.number().int(),
});

const createResult = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("created"), key: createdKey }),
  z.object({ outcome: z.literal("unavailable"), detail: z.string() }),
  z.object({ outcome: z.literal("failed"), detail: z.string() }),
]);

/** "create-key" and "create-keys" as the services of version 1.0 write and read them. */
export const jobsOf1_0 = {
  "create-key": {
    payload: z.object({ name: keyName, deadline, request_id: requestId }),
    result: createResult,
  },
  "create-keys": {
    payload: z.object({ names: z.array(keyName).min(1).max(1_000), deadline, request_id: requestId }),
    result: z.object({ outcome: z.literal("done"), items: z.array(createResult) }),
  },
} as const;
