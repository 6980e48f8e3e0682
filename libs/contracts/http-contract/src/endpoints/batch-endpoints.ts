import {
  BATCH_LIMIT_BYTES,
  batchResultSchema,
  createKeysSchema,
  deleteKeysSchema,
  LARGEST_BATCH,
} from "../batch-bodies.ts";
import type { Endpoint } from "../endpoint.ts";
import { bodyErrors, guarded, ofWrites, writeFailed, writeUnavailable } from "../error-cases.ts";
import { jobAcceptedSchema } from "../job-bodies.ts";
import { messages } from "../messages.ts";
import { UPDATE_LIMIT_BYTES, updateKeysSchema, updateMessages } from "../update-bodies.ts";
import { exampleKey } from "./example-key.ts";

export const batchEndpoints = {
  createKeys: {
    method: "post",
    path: "/api/keys/batch",
    tag: "Batches",
    summary: "Create many keys",
    description:
      "Creates 1 to 1000 keys at once and answers for each in the order of the request. An item that fails does not " +
      "affect the others. Each key is usable when the answer comes, and an item that is answered with an error left " +
      "nothing behind.",
    auth: "bearer",
    scope: "keys:write",
    body: {
      required: true,
      limitBytes: BATCH_LIMIT_BYTES,
      schema: createKeysSchema,
      description: "The keys to create.",
      examples: { two: { summary: "Two keys", value: { keys: [{ name: "user_123" }, {}] } } },
    },
    success: {
      description: "What became of each item. Status 200 also when none succeeded.",
      contentType: "application/json",
      schema: batchResultSchema,
      example: {
        results: [
          { status: "ok", key: exampleKey },
          { status: "error", detail: "name must not contain control characters" },
        ],
        succeeded: 1,
        failed: 1,
      },
    },
    errors: [
      ...guarded,
      ...ofWrites,
      ...bodyErrors(BATCH_LIMIT_BYTES),
      batchSize("keys"),
      writeFailed("create keys", "timed out"),
      writeUnavailable("create keys"),
    ],
  },
  deleteKeys: {
    method: "post",
    path: "/api/keys/batch-delete",
    tag: "Batches",
    summary: "Delete many keys",
    description:
      "Deletes 1 to 1000 keys at once and answers for each in the order of the request, with the key as it was and " +
      "`is_active` false. A key that is named twice is not found the second time.",
    auth: "bearer",
    scope: "keys:write",
    body: {
      required: true,
      limitBytes: BATCH_LIMIT_BYTES,
      schema: deleteKeysSchema,
      description: "The keys.",
      examples: { two: { summary: "Two keys", value: { key_ids: [1, 999] } } },
    },
    success: {
      description: "What became of each item. Status 200 also when none succeeded.",
      contentType: "application/json",
      schema: batchResultSchema,
      example: {
        results: [
          { status: "ok", key: { ...exampleKey, is_active: false } },
          { status: "error", detail: messages.keyNotFound(999) },
        ],
        succeeded: 1,
        failed: 1,
      },
    },
    errors: [
      ...guarded,
      ...ofWrites,
      ...bodyErrors(BATCH_LIMIT_BYTES),
      batchSize("key_ids"),
      {
        status: 422,
        name: "not-kept",
        description:
          "A repeat under an `Idempotency-Key`: the batch was carried out, and is not carried out again. Its answer was " +
          "longer than 4 MiB when compressed, too long to be kept.",
        detail: messages.answerNotKept(200),
      },
      writeFailed("delete keys", "timed out"),
      writeUnavailable("delete keys"),
    ],
  },
  updateKeys: {
    method: "post",
    path: "/api/keys/batch-update",
    tag: "Batches",
    summary: "Change many keys",
    description:
      "Changes keys by their ids, or all that fit a filter when the call comes. Always answered 202: " +
      "`GET /api/jobs/{job_id}` tells how far it is, for seven days. Each key is changed once, also when a worker dies; " +
      "a key for which the change makes no sense is among `errors` and keeps what it had.",
    auth: "bearer",
    scope: "keys:write",
    body: {
      required: true,
      limitBytes: UPDATE_LIMIT_BYTES,
      schema: updateKeysSchema,
      description: "Which keys, by `key_ids` or `filter`, and what is done to each.",
      examples: {
        extend: {
          summary: "Three days more for those who paid",
          value: { filter: { tag: "paid" }, extend: { days: 3 } },
        },
        set: { summary: "Two keys switched off", value: { key_ids: [1, 2], set: { enabled: false } } },
        all: { summary: "A count that starts anew for all", value: { filter: { all: true }, reset_traffic: true } },
      },
    },
    success: {
      status: 202,
      description: "Queued.",
      contentType: "application/json",
      schema: jobAcceptedSchema,
      example: { job_id: "update-batch-0b7c1f0e-5f0a-4f0e-9a63-0c8f5f6d2a11", status: "queued" },
    },
    errors: [
      ...guarded,
      ...ofWrites,
      ...bodyErrors(UPDATE_LIMIT_BYTES),
      { status: 400, name: "filter", description: "The filter names nothing.", detail: updateMessages.filter },
      {
        status: 400,
        name: "keys",
        description: "Neither `key_ids` nor `filter` is named, or both are; or a value is impossible.",
        detail: updateMessages.which,
      },
      writeUnavailable("change keys"),
    ],
  },
} as const satisfies Record<string, Endpoint>;

function batchSize(list: string) {
  return {
    status: 400,
    name: "size",
    description: "The list is missing, empty or too long.",
    detail: `${list} must be a list of 1 to ${LARGEST_BATCH} items`,
  } as const;
}
