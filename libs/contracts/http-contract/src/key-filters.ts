import { z } from "zod";
import { LONGEST_KEY_NAME } from "./key-name.ts";
import { flagOfQuery, pageQuerySchema } from "./queries.ts";
import { LATEST_MOMENT, LONGEST_EXTERNAL_ID, LONGEST_GROUP, LONGEST_TAG } from "./terms-bodies.ts";

const KEY_STATUSES = ["active", "on_hold", "limited", "expired", "disabled"] as const;

export const keyStatusSchema = z.enum(KEY_STATUSES, `status must be one of ${KEY_STATUSES.join(", ")}`);

/** What is longer than any key's fits none, and would stand in the job of a change of many keys. */
const textOf = (name: string, longest: number) =>
  z
    .string(`${name} must be given once, as a string`)
    .max(longest, `${name} must be at most ${longest} characters long`);
const momentMessage = (name: string) => `${name} must be a whole number of unix seconds`;
const momentOf = (name: string) =>
  z
    .int(momentMessage(name))
    .min(0, momentMessage(name))
    .max(LATEST_MOMENT, `${name} must be unix seconds, not milliseconds`);
const ONLINE_MESSAGE = "online must be true or false";

const described = {
  status: { description: "Only keys that have this status at the moment of the answer." },
  tag: { description: "Only keys with exactly this tag." },
  group: { description: "Only keys in this group." },
  external_id: {
    description:
      "Only the key of the caller's owner that has this `external_id`; without an owner, of keys that have none.",
  },
  name: { description: "Only keys with exactly this name." },
  expires_before: {
    description: "Only keys that expire before this moment. Unix seconds; keys without an end never fit.",
    format: "int64",
    maximum: LATEST_MOMENT,
  },
  expires_after: {
    description: "Only keys that expire after this moment. Unix seconds; keys without an end never fit.",
    format: "int64",
    maximum: LATEST_MOMENT,
  },
  online: { description: "Whether bytes were counted within the last 60 seconds." },
} as const;

/** Picks out keys; all that is named has to fit. As JSON. */
export const keyFilterFields = {
  status: keyStatusSchema.meta(described.status),
  tag: textOf("tag", LONGEST_TAG).meta(described.tag),
  group: textOf("group", LONGEST_GROUP).meta(described.group),
  external_id: textOf("external_id", LONGEST_EXTERNAL_ID).meta(described.external_id),
  name: textOf("name", LONGEST_KEY_NAME).meta(described.name),
  expires_before: momentOf("expires_before").meta(described.expires_before),
  expires_after: momentOf("expires_after").meta(described.expires_after),
  online: z.boolean(ONLINE_MESSAGE).meta(described.online),
};

/** Filters a list of keys and selects a page of it. */
export const keyListQuerySchema = z.object({
  ...pageQuerySchema.shape,
  status: keyFilterFields.status.optional(),
  tag: keyFilterFields.tag.optional(),
  group: keyFilterFields.group.optional(),
  external_id: keyFilterFields.external_id.optional(),
  name: keyFilterFields.name.optional(),
  expires_before: z.preprocess(digits, momentOf("expires_before")).optional().meta(described.expires_before),
  expires_after: z.preprocess(digits, momentOf("expires_after")).optional().meta(described.expires_after),
  online: z.preprocess(flagOfQuery, z.boolean(ONLINE_MESSAGE)).optional().meta(described.online),
});

export type KeyListQuery = z.infer<typeof keyListQuerySchema>;

const keyFilterSchema = z.object(keyFilterFields).partial();
export type KeyFilterBody = z.infer<typeof keyFilterSchema>;

/** The number that a text of decimal digits in a query stands for. */
export function digits(text: unknown): unknown {
  return typeof text === "string" && /^[0-9]{1,16}$/.test(text) ? Number(text) : text;
}
