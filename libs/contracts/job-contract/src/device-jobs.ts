import type { SeenDevice } from "@veil/keys";
import { z } from "zod";
import { notApplied } from "./not-applied.ts";
import { deadline, owner, requestId } from "./payload-fields.ts";

const label = z.string().max(256).nullable();

const deviceWire = z.object({ id: z.string().max(64), os: label, os_version: label, model: label, user_agent: label });

/** A device on the wire: its id is a hash, so that what an app sent stands in no job. */
const seenDevice = z.codec(deviceWire, z.custom<SeenDevice>(), {
  decode: ({ os_version: osVersion, user_agent: userAgent, ...rest }) => ({ ...rest, osVersion, userAgent }),
  encode: ({ osVersion, userAgent, ...rest }) => ({ ...rest, os_version: osVersion, user_agent: userAgent }),
});

const ofKey = { key_id: z.number().int().nonnegative(), deadline, request_id: requestId } as const;
const notFound = z.object({ outcome: z.literal("not-found") });

/** The jobs that change the devices of a key. New in 1.2. */
export const deviceJobs = {
  "register-device": {
    queue: "veil-keys",
    payload: z.object({ device: seenDevice, ...ofKey }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("registered") }),
      /** The key's limit leaves no room for it. */
      z.object({ outcome: z.literal("refused") }),
      /** The key has no limit, and as many devices as are kept. */
      z.object({ outcome: z.literal("uncounted") }),
      notFound,
      ...notApplied,
    ]),
    attempts: 3,
    travels: "in-micro-batches",
  },
  /** Takes out one device, or all of them when it names none. */
  "forget-devices": {
    queue: "veil-keys",
    payload: z.object({ device_id: z.string().max(64).nullable(), owner, ...ofKey }),
    result: z.discriminatedUnion("outcome", [
      z.object({ outcome: z.literal("done") }),
      notFound,
      z.object({ outcome: z.literal("unknown-device") }),
      ...notApplied,
    ]),
    attempts: 12,
  },
} as const;
