import type { Endpoint, ErrorCase } from "../endpoint.ts";
import {
  guarded,
  linkNotConfigured,
  noNode,
  ofOneKey,
  ofWrites,
  pagesOf,
  storeAway,
  withBody,
  writeFailed,
  writeUnavailable,
} from "../error-cases.ts";
import {
  createKeySchema,
  keyDeletedSchema,
  keyLinkSchema,
  keyLinksSchema,
  keyListSchema,
  keySchema,
} from "../key-bodies.ts";
import { keyListQuerySchema } from "../key-filters.ts";
import { keyPathSchema } from "../key-id.ts";
import { LONGEST_KEY_NAME } from "../key-name.ts";
import { messages } from "../messages.ts";
import { exampleKey } from "./example-key.ts";

const otherKey = {
  ...exampleKey,
  key_id: 2,
  uuid: "223e4567-e89b-42d3-a456-426614174001",
  name: null,
  created_at: 1703520100,
} as const;

const EXAMPLE_LINK =
  "vless://123e4567-e89b-42d3-a456-426614174000@your-domain.com:443?encryption=none&type=tcp&security=reality" +
  "&sni=microsoft.com&fp=chrome&pbk=public_key_here&sid=7bb45050&spx=%2F#user_123";

const wrongFilter = {
  status: 400,
  name: "filter",
  description: "A filter has an impossible value, or is given twice.",
  detail: "status must be one of active, on_hold, limited, expired, disabled",
} as const satisfies ErrorCase;

export const keyEndpoints = {
  createKey: {
    method: "post",
    path: "/api/keys",
    tag: "Keys",
    summary: "Create a key",
    description:
      "Answers 200 when the key is stored and usable: a client that dials at that moment connects. " +
      "After an error there is no key: nothing turns up in a later list. " +
      "If it is not known whether there is one, the connection is closed without an answer.",
    auth: "bearer",
    scope: "keys:write",
    body: {
      schema: createKeySchema,
      description: "May be left out, empty or `{}`: the key then has no name.",
      examples: {
        named: { summary: "A key with a name", value: { name: "user_123" } },
        nameless: { summary: "A key without a name", value: {} },
      },
    },
    success: { description: "The new key.", contentType: "application/json", schema: keySchema, example: exampleKey },
    errors: [
      ...guarded,
      ...ofWrites,
      ...withBody,
      {
        status: 400,
        name: "name",
        description: "`name` has a wrong type, is too long, or holds control characters.",
        detail: `name must be at most ${LONGEST_KEY_NAME} characters long`,
      },
      {
        status: 409,
        name: "external-id",
        description: "Another key has the `external_id`.",
        detail: messages.externalIdTaken("tg-42"),
      },
      writeFailed("create key", "timed out"),
      writeUnavailable("create key"),
    ],
  },
  listKeys: {
    method: "get",
    path: "/api/keys",
    tag: "Keys",
    summary: "List all keys",
    description:
      "All keys in ascending order of `key_id`, or a page of them: `limit` keys after the id `after`. A page that is " +
      "shorter than `limit` is the last one. With filters only keys that all of them fit; texts are compared exactly. " +
      "`total` is the number of all keys that fit, whatever the page.",
    auth: "bearer",
    scope: "keys:read",
    query: keyListQuerySchema,
    success: {
      description: "The keys and their number.",
      contentType: "application/json",
      schema: keyListSchema,
      example: { keys: [exampleKey, otherKey], total: 2 },
    },
    errors: [...guarded, ...pagesOf(keyListQuerySchema), wrongFilter, storeAway],
  },
  getKey: {
    method: "get",
    path: "/api/keys/{key_id}",
    tag: "Keys",
    summary: "Read one key",
    description: "A key that is being deleted is not found any more.",
    auth: "bearer",
    scope: "keys:read",
    params: keyPathSchema,
    success: { description: "The key.", contentType: "application/json", schema: keySchema, example: exampleKey },
    errors: [...guarded, ...ofOneKey, storeAway],
  },
  deleteKey: {
    method: "delete",
    path: "/api/keys/{key_id}",
    tag: "Keys",
    summary: "Delete a key",
    description:
      "Answers 200 when the deletion is durable and every node that can be reached has dropped the user; " +
      "a node that is away drops it when it is back. The key and its traffic are 404 from then on. " +
      "Of two deletions at once one answers 200, the other 404.",
    auth: "bearer",
    scope: "keys:write",
    params: keyPathSchema,
    success: {
      description: "The key is deleted.",
      contentType: "application/json",
      schema: keyDeletedSchema,
      example: { success: true, message: messages.keyDeleted(1) },
    },
    errors: [
      ...guarded,
      ...ofWrites,
      ...ofOneKey,
      ...withBody,
      writeFailed("delete key", "timed out"),
      writeUnavailable("delete key"),
    ],
  },
  getKeyLink: {
    method: "get",
    path: "/api/keys/{key_id}/link",
    tag: "Keys",
    summary: "Get the share link of a key",
    description: "A `vless://` link for VPN clients. A key without a name is called `key-<id>` in it.",
    auth: "bearer",
    scope: "keys:read",
    params: keyPathSchema,
    success: {
      description: "The link.",
      contentType: "application/json",
      schema: keyLinkSchema,
      example: {
        key_id: 1,
        vless_link: EXAMPLE_LINK,
      },
    },
    errors: [...guarded, ...ofOneKey, noNode, storeAway, linkNotConfigured],
  },
  getKeyLinks: {
    method: "get",
    path: "/api/keys/{key_id}/links",
    tag: "Keys",
    summary: "Get all share links of a key",
    description:
      "One link for each host that clients may dial. A key without a name is called `key-<id>`; from the second link on " +
      "the node's name follows in brackets. There are none where no host of an active node is for a group of the key.",
    auth: "bearer",
    scope: "keys:read",
    params: keyPathSchema,
    success: {
      description: "The links, the first of which `/link` answers.",
      contentType: "application/json",
      schema: keyLinksSchema,
      example: {
        key_id: 1,
        links: [{ host: "your-domain.com", node: "main", protocol: "vless", remark: "user_123", link: EXAMPLE_LINK }],
      },
    },
    errors: [...guarded, ...ofOneKey, storeAway, linkNotConfigured],
  },
} as const satisfies Record<string, Endpoint>;
