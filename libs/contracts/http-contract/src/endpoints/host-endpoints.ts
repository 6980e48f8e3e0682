import { MOST_HOSTS, PLACEHOLDERS } from "@veil/nodes";
import type { Endpoint, ErrorCase } from "../endpoint.ts";
import { fleetTooLarge, guarded, madeBefore, ofInstallation, ofWrite, pagesOf, storeAway } from "../error-cases.ts";
import {
  createHostSchema,
  hostDeletedSchema,
  hostListSchema,
  hostPageQuerySchema,
  hostPathSchema,
  hostSchema,
  putHostSchema,
  updateHostSchema,
} from "../host-bodies.ts";
import { messages } from "../messages.ts";

const ID = "h_5f0c2f6f1d0e4b7a8c9d";
const exampleHost = {
  id: ID,
  node: "main",
  inbound: "vless-in",
  remark: "🇫🇮 {node}, {days_left} days",
  address: "cdn.example.com",
  port: null,
  sni: null,
  fingerprint: null,
  alpn: null,
  path: null,
  order: 0,
  weight: null,
  groups: null,
  hidden: false,
  is_own: false,
  created_at: 1703520000,
} as const;
const ownHost = { ...exampleHost, id: "n_main", remark: null, address: null, is_own: true } as const;

const badField: ErrorCase = {
  status: 400,
  name: "field",
  description: "A field is missing, has a wrong type or an impossible value, such as a placeholder that there is not.",
  detail: messages.unknownPlaceholder("days", Object.keys(PLACEHOLDERS)),
};

const noSuchNode: ErrorCase = {
  status: 400,
  name: "node",
  description: "There is no such node, or it has no such inbound.",
  detail: "there is no node fi-9",
};

const tooMany: ErrorCase = {
  status: 409,
  name: "too-many",
  description: `There are ${MOST_HOSTS} hosts already, those that come with nodes not counted.`,
  detail: `there are ${MOST_HOSTS} hosts already: delete one first`,
};

const ownOne: ErrorCase = {
  status: 409,
  name: "own",
  description: "The host comes with its node: it is hidden instead.",
  detail: 'host n_main comes with its node and goes with it: hide it with {"hidden":true}',
};

const notFound: ErrorCase = {
  status: 404,
  name: "host-not-found",
  description: "There is no such host, or its node is gone.",
  detail: messages.hostNotFound("none"),
};

const owned = ofInstallation("hosts");

const AS_STORED = "Links and subscriptions follow within two seconds.";
const LEFT_TO_NODE = "What is null follows its node, and the installation where that says nothing.";

const ofOneHost = { auth: "bearer", tag: "Hosts", params: hostPathSchema } as const;
const oneHost = { contentType: "application/json", schema: hostSchema, example: exampleHost } as const;

export const hostEndpoints = {
  listHosts: {
    method: "get",
    path: "/api/hosts",
    tag: "Hosts",
    summary: "List all hosts",
    description:
      "In the order in which subscriptions show them; with `limit` or `after` one page of them, by id. One comes with each node: it follows the node in all that no call changes " +
      "about it. A token with an owner sees none.",
    auth: "bearer",
    scope: "nodes:read",
    query: hostPageQuerySchema,
    success: {
      description: "The hosts and their number.",
      contentType: "application/json",
      schema: hostListSchema,
      example: { hosts: [ownHost, exampleHost], total: 2 },
    },
    errors: [...guarded, ...pagesOf(hostPageQuerySchema), storeAway],
  },
  createHost: {
    method: "post",
    path: "/api/hosts",
    tag: "Hosts",
    summary: "Create a host",
    description: `A further way for customers to reach a node. ${LEFT_TO_NODE} ${AS_STORED}`,
    auth: "bearer",
    scope: "nodes:write",
    body: {
      required: true,
      schema: createHostSchema,
      description: "The host.",
      examples: {
        other: {
          summary: "Another address of a node",
          value: { node: "main", address: "cdn.example.com", remark: "{key_name} via CDN" },
        },
      },
    },
    success: { description: "The new host.", ...oneHost },
    errors: ofWrite("create host", [owned, badField, noSuchNode, tooMany, fleetTooLarge, madeBefore("host", ID)]),
  },
  getHost: {
    method: "get",
    path: "/api/hosts/{id}",
    ...ofOneHost,
    summary: "Get a host",
    description: `As it is stored. ${LEFT_TO_NODE}`,
    scope: "nodes:read",
    success: { description: "The host.", ...oneHost },
    errors: [...guarded, notFound, storeAway],
  },
  putHost: {
    method: "put",
    path: "/api/hosts/{id}",
    ...ofOneHost,
    summary: "Make or replace a host",
    description:
      "For whoever keeps hosts in files: what is left out is as in a new one, and the same call once more changes nothing. A " +
      "host that there is not is made, under an id of your own of 1 to 32 of `a-z`, `0-9` and `-`; others are 404.",
    scope: "nodes:write",
    body: {
      required: true,
      schema: putHostSchema,
      description: "The whole host.",
      examples: {
        whole: { summary: "Another port of a node", value: { node: "main", port: 8443, order: 1 } },
      },
    },
    success: { description: "The host as it is now.", ...oneHost, example: { ...exampleHost, id: "cdn-1" } },
    errors: ofWrite("change host", [owned, badField, noSuchNode, tooMany, fleetTooLarge, notFound]),
  },
  updateHost: {
    method: "patch",
    path: "/api/hosts/{id}",
    ...ofOneHost,
    summary: "Change a host",
    description:
      "A JSON merge patch (RFC 7396): what is left out stays, null follows the node again. Of a host that comes with its node " +
      `what was changed here does not follow the node and the environment any more. ${AS_STORED}`,
    scope: "nodes:write",
    body: {
      schema: updateHostSchema,
      description: "What is to be different.",
      examples: { hide: { summary: "Hide it", value: { hidden: true } } },
    },
    success: { description: "The host as it is now.", ...oneHost, example: { ...exampleHost, hidden: true } },
    errors: ofWrite("change host", [badField, noSuchNode, fleetTooLarge, notFound]),
  },
  deleteHost: {
    method: "delete",
    path: "/api/hosts/{id}",
    ...ofOneHost,
    summary: "Delete a host",
    description:
      "Links and subscriptions don't show it any more; keys and nodes stay as they are. One that comes with its node goes with " +
      "the node alone, and is hidden until then.",
    scope: "nodes:write",
    success: {
      description: "The host is gone.",
      contentType: "application/json",
      schema: hostDeletedSchema,
      example: { success: true, message: messages.hostDeleted(ID) },
    },
    errors: ofWrite("delete host", [ownOne, notFound]),
  },
} as const satisfies Record<string, Endpoint>;
