import { z } from "zod";
import { isPrintable, isWellFormed, LINE_PATTERN, line, requiredLine, TEXT_PATTERN } from "./text-line.ts";

/** The end of the year 9999. A caller who sends more counts in milliseconds. */
export const LATEST_MOMENT = 253_402_300_799;
export const LONGEST_EXTERNAL_ID = 128;
export const LONGEST_TAG = 64;
const LONGEST_NOTE = 1_000;
export const LONGEST_GROUP = 64;
const MOST_GROUPS = 64;
const MOST_DEVICES = 1_000;

export const trafficResetSchema = z.enum(["none", "day", "week", "month", "month_rolling"]);

/** A moment in unix seconds, or null; 0 means null as well. */
export function moment(name: string) {
  const message = `${name} must be a whole number of unix seconds, or null`;
  return z
    .int(message)
    .min(0, message)
    .max(LATEST_MOMENT, `${name} must be unix seconds, not milliseconds`)
    .nullable()
    .transform((value) => (value === 0 ? null : value))
    .meta({ type: ["integer", "null"], minimum: 0, maximum: LATEST_MOMENT, format: "int64" });
}

function amount(name: string, what: string, most: number = Number.MAX_SAFE_INTEGER) {
  const message = `${name} must be a whole number ${what} from 0 to ${most}, or null`;
  return z
    .int(message)
    .min(0, message)
    .max(most, message)
    .nullable()
    .transform((value) => (value === 0 ? null : value))
    .meta({ type: ["integer", "null"], minimum: 0, maximum: most, format: "int64" });
}

const groupMessage = `groups must be a list of at most ${MOST_GROUPS} strings of 1 to ${LONGEST_GROUP} characters`;
/** Names of groups, as keys, nodes and hosts have them. */
export const groupList = z
  .array(
    z
      .string(groupMessage)
      .min(1, groupMessage)
      .max(LONGEST_GROUP, groupMessage)
      .refine((text) => isWellFormed(text) && isPrintable(text), groupMessage)
      .meta({ pattern: LINE_PATTERN }),
    groupMessage,
  )
  .max(MOST_GROUPS, groupMessage);

/** Free text, as keys and nodes have it. */
export const noteText = z
  .string(`note must be a string of at most ${LONGEST_NOTE} characters, or null`)
  .refine(isWellFormed, "note must be well-formed Unicode: it holds half of a surrogate pair")
  .refine((text) => !/(?![\t\n\r])\p{Cc}/u.test(text), "note must not contain control characters")
  .refine(
    (text) => Array.from(text).length <= LONGEST_NOTE,
    `note must be a string of at most ${LONGEST_NOTE} characters, or null`,
  )
  .nullable()
  .meta({ maxLength: LONGEST_NOTE, pattern: TEXT_PATTERN });

/** The external id of a key as it stands in a path, percent-encoded. */
export const externalIdPathSchema = z.object({
  external_id: requiredLine("external_id", LONGEST_EXTERNAL_ID, 1).meta({
    description: "The caller's own id of the key, percent-encoded.",
    example: "tg-42",
  }),
});

/** The terms of a key that callers choose, each field alone. In fields that may be null, 0 means null as well. */
export const termFields = {
  enabled: z
    .boolean("enabled must be true or false")
    .meta({ description: "The switch. A key that is off works nowhere.", example: true }),
  expires_at: moment("expires_at").meta({
    description: "From then on the key works nowhere. Unix seconds; a past moment is allowed; null or 0 for never.",
    example: 1767225600,
  }),
  traffic_limit: amount("traffic_limit", "of bytes").meta({
    description: "Bytes, upload and download together, since the last reset; null or 0 for no limit.",
    example: 107374182400,
  }),
  traffic_reset: z
    .enum(trafficResetSchema.options, `traffic_reset must be one of ${trafficResetSchema.options.join(", ")}`)
    .meta({
      description:
        "When the count of traffic starts anew by itself: at 00:00 in the installation's time zone; weeks on Monday; " +
        "`month_rolling` on the day on which the key was made or last reset, or on the last day of a shorter month.",
      example: "month",
    }),
  hold_for: amount("hold_for", "of seconds", LATEST_MOMENT).meta({
    description:
      "The term of a key that is on hold: it begins with the first counted byte, at the latest at `hold_until`, and " +
      "becomes `expires_at` then. Excludes `expires_at`.",
    example: null,
  }),
  hold_until: moment("hold_until").meta({
    description: "When the term of a key on hold begins at the latest. Needs `hold_for`.",
    example: null,
  }),
  external_id: line("external_id", LONGEST_EXTERNAL_ID, 1).meta({
    description: "The caller's own id of the key. No two keys of one owner have the same.",
    example: "tg-42",
  }),
  tag: line("tag", LONGEST_TAG).meta({
    description: "A label to filter by.",
    example: "premium",
  }),
  note: noteText.meta({ description: "Free text.", example: null }),
  groups: groupList.meta({
    description: "Which hosts and nodes the key gets. A group that nothing else names meets nothing.",
    example: ["default"],
  }),
  device_limit: amount("device_limit", "of devices", MOST_DEVICES).meta({
    description:
      "How many devices may fetch the subscription, of apps that send `x-hwid`; null or 0 for any number. When it is " +
      "lowered, the devices that came first stay.",
    example: null,
  }),
};

/** Why the fields of one body contradict each other; null when they don't. */
export function contradictionIn(body: {
  readonly expires_at?: number | null | undefined;
  readonly hold_for?: number | null | undefined;
  readonly hold_until?: number | null | undefined;
}): string | null {
  const { expires_at = null, hold_for = null, hold_until = null } = body;
  if (hold_for !== null && expires_at !== null)
    return "hold_for and expires_at exclude each other: leave one of them out";
  if (hold_until !== null && hold_for === null) return "hold_until needs hold_for";
  return null;
}
