import type { Endpoint, ErrorCase } from "../endpoint.ts";
import { guarded, ofOneKey, ofWrites, storeAway, withBody, writeFailed, writeUnavailable } from "../error-cases.ts";
import {
  extendKeySchema,
  keyDeletedSchema,
  keySchema,
  putKeySchema,
  revokeKeySchema,
  updateKeySchema,
} from "../key-bodies.ts";
import { keyPathSchema } from "../key-id.ts";
import { messages } from "../messages.ts";
import { externalIdPathSchema } from "../terms-bodies.ts";
import { exampleKey } from "./example-key.ts";

/** Errors of any change of a key. */
const ofChanges: readonly ErrorCase[] = [
  ...guarded,
  ...ofWrites,
  ...withBody,
  {
    status: 400,
    name: "terms",
    description: "A field has a wrong type or an impossible value, or contradicts the key as it is.",
    detail: "expires_at must be unix seconds, not milliseconds",
  },
  writeFailed("change key", "timed out"),
  writeUnavailable("change key"),
];

const taken: ErrorCase = {
  status: 409,
  name: "external-id",
  description: "Another key has the `external_id`.",
  detail: messages.externalIdTaken("tg-42"),
};

const outdated: ErrorCase = {
  status: 412,
  name: "revision",
  description: "The key has another revision than `If-Match` names, or there is none to change.",
  detail: messages.revisionChanged,
};

const badExternalId: ErrorCase = {
  status: 400,
  name: "external-id",
  description: "The `external_id` is too long, or has control characters.",
  detail: "external_id must be a string of 1 to 128 characters",
};

const unknownExternalId: ErrorCase = {
  status: 404,
  name: "external-id",
  description: "No key has this `external_id`.",
  detail: messages.externalIdNotFound("tg-42"),
};

const changedKey = {
  description: "The key as it is now.",
  contentType: "application/json",
  schema: keySchema,
  example: { ...exampleKey, revision: 2 },
} as const;

const OF_COMING_BACK =
  "A key that comes back into service works in every node in reach when the answer comes; one that leaves it works in none.";

export const termsEndpoints = {
  getKeyByExternalId: {
    method: "get",
    path: "/api/keys/by-external-id/{external_id}",
    tag: "Keys",
    summary: "Read the key that has an external id",
    description: "The caller's own id finds the key: no bot has to remember ours.",
    auth: "bearer",
    scope: "keys:read",
    params: externalIdPathSchema,
    success: { ...changedKey, description: "The key.", example: exampleKey },
    errors: [...guarded, badExternalId, unknownExternalId, storeAway],
  },
  putKeyByExternalId: {
    method: "put",
    path: "/api/keys/by-external-id/{external_id}",
    tag: "Keys",
    summary: "Make or change the key that has an external id",
    description:
      "Makes the key, or changes what is named of the one that is there; what is left out stays. Two at once make one. " +
      `The header \`Veil-Outcome\` says which: \`created\`, \`updated\` or \`unchanged\`. With \`If-Match\` no key is made. ${OF_COMING_BACK}`,
    auth: "bearer",
    scope: "keys:write",
    params: externalIdPathSchema,
    body: {
      schema: putKeySchema,
      description: "What is to hold of the key, as `POST /api/keys` takes it.",
      examples: {
        month: { summary: "A month with 100 GiB", value: { expires_at: 1767225600, traffic_limit: 107374182400 } },
      },
    },
    takesIfMatch: true,
    success: changedKey,
    errors: [...ofChanges, outdated],
  },
  deleteKeyByExternalId: {
    method: "delete",
    path: "/api/keys/by-external-id/{external_id}",
    tag: "Keys",
    summary: "Delete the key that has an external id",
    description: "As `DELETE /api/keys/{key_id}`. The id is free for another key then.",
    auth: "bearer",
    scope: "keys:write",
    params: externalIdPathSchema,
    success: {
      description: "The key is deleted.",
      contentType: "application/json",
      schema: keyDeletedSchema,
      example: { success: true, message: messages.keyDeleted(1) },
    },
    errors: [
      ...guarded,
      ...ofWrites,
      ...withBody,
      unknownExternalId,
      writeFailed("delete key", "timed out"),
      writeUnavailable("delete key"),
    ],
  },
  updateKey: {
    method: "patch",
    path: "/api/keys/{key_id}",
    tag: "Keys",
    summary: "Change a key",
    description:
      "A JSON merge patch (RFC 7396): what is named becomes so, null takes a field back to what it is by itself, what is " +
      `left out stays. All of it or nothing, by one write. With \`If-Match\` only while the key has that revision. ${OF_COMING_BACK}`,
    auth: "bearer",
    scope: "keys:write",
    params: keyPathSchema,
    body: {
      schema: updateKeySchema,
      description: "What is to be different.",
      examples: {
        renewal: {
          summary: "A renewal: a new date, a new limit, and a count that starts anew",
          value: { expires_at: 1767225600, traffic_limit: 107374182400, reset_traffic: true },
        },
        plan: {
          summary: "Another plan: more devices, registered anew",
          value: { device_limit: 5, reset_devices: true },
        },
        ban: { summary: "Switched off", value: { enabled: false } },
      },
    },
    takesIfMatch: true,
    success: changedKey,
    errors: [...ofChanges, ...ofOneKey, taken, outdated],
  },
  extendKey: {
    method: "post",
    path: "/api/keys/{key_id}/extend",
    tag: "Keys",
    summary: "Extend the term of a key",
    description:
      "Extends the term; that of an expired key starts now: `expires_at` becomes max(now, `expires_at`) + n. A key " +
      "without an end keeps having none; of one on hold `hold_for` changes. With an `Idempotency-Key` it adds once, however " +
      `often it is sent. ${OF_COMING_BACK}`,
    auth: "bearer",
    scope: "keys:write",
    params: keyPathSchema,
    body: {
      required: true,
      schema: extendKeySchema,
      description: "By how much.",
      examples: { days: { summary: "30 days", value: { days: 30 } } },
    },
    takesIfMatch: true,
    success: changedKey,
    errors: [...ofChanges, ...ofOneKey, outdated],
  },
  revokeKey: {
    method: "post",
    path: "/api/keys/{key_id}/revoke",
    tag: "Keys",
    summary: "Replace what a key is used with",
    description:
      "`link` replaces the `subscription_url`, `credentials` the `uuid`: with the old one nobody connects to a node in reach " +
      "any more when the answer comes.",
    auth: "bearer",
    scope: "keys:write",
    params: keyPathSchema,
    body: {
      required: true,
      schema: revokeKeySchema,
      description: "What is to be replaced.",
      examples: { both: { summary: "Both", value: { link: true, credentials: true } } },
    },
    takesIfMatch: true,
    success: changedKey,
    errors: [...ofChanges, ...ofOneKey, outdated],
  },
} as const satisfies Record<string, Endpoint>;
