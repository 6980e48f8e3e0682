import { z } from "zod";
import { extendKeySchema, updateKeyActs, updateKeyFields } from "./key-bodies.ts";
import { keyFilterFields } from "./key-filters.ts";
import { namedSchemas } from "./named-schemas.ts";

/** Most keys that one change names by their ids. */
export const LARGEST_UPDATE = 10_000;

/** 10,000 ids of 16 digits, and air for what is to be set. */
export const UPDATE_LIMIT_BYTES = 256 * 1024;

const IDS_MESSAGE = `key_ids must be a list of 1 to ${LARGEST_UPDATE} ids of keys, as whole numbers`;
const WHICH_MESSAGE = "name either key_ids or filter";
const FILTER_MESSAGE = 'filter must name something; {"all": true} means all keys';
const WHAT_MESSAGE = "name what is to be done: set, extend or reset_traffic";
const EXTERNAL_ID_MESSAGE = "set can't name external_id: no two keys have the same";

export const updateMessages = { which: WHICH_MESSAGE, filter: FILTER_MESSAGE } as const;

const filterSchema = z
  .strictObject({ ...keyFilterFields, all: z.literal(true, "all must be true, or left out") }, FILTER_MESSAGE)
  .partial()
  .refine((filter) => Object.values(filter).some((value) => value !== undefined), FILTER_MESSAGE)
  .register(namedSchemas, { id: "KeyFilter" });

const setSchema = z
  .object({ ...updateKeyFields, ...updateKeyActs }, "set must be a JSON object")
  .partial()
  .refine(({ external_id: id }) => id === undefined, EXTERNAL_ID_MESSAGE)
  .meta({
    description:
      "What is to be different, as `PATCH /api/keys/{key_id}` takes it; `reset_traffic` and `reset_devices` as well.",
    additionalProperties: true,
  });

/** The body of `POST /api/keys/batch-update`. */
export const updateKeysSchema = z
  .object(
    {
      key_ids: z
        .array(
          z.int(IDS_MESSAGE).min(0, IDS_MESSAGE).meta({ format: "int64", maximum: Number.MAX_SAFE_INTEGER }),
          IDS_MESSAGE,
        )
        .min(1, IDS_MESSAGE)
        .max(LARGEST_UPDATE, IDS_MESSAGE),
      filter: filterSchema,
      set: setSchema,
      extend: extendKeySchema,
      reset_traffic: updateKeyActs.reset_traffic,
    },
    "the body must be a JSON object",
  )
  .partial()
  .refine(({ key_ids: ids, filter }) => (ids === undefined) !== (filter === undefined), WHICH_MESSAGE)
  .refine(
    ({ set, extend, reset_traffic: reset }) =>
      Object.keys(set ?? {}).length > 0 || extend !== undefined || reset === true,
    WHAT_MESSAGE,
  )
  // Without `additionalProperties`: for these a client in Go has a function `Set`, beside the field of that name.
  .meta({ description: "Which keys, and what is done to each." })
  .register(namedSchemas, { id: "UpdateKeys" });
