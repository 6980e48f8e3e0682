import { MOST_NODES } from "@veil/nodes";
import type { Endpoint, ErrorCase } from "../endpoint.ts";
import {
  fleetTooLarge,
  guarded,
  ofInstallation,
  ofWrite,
  pagesOf,
  storeAway,
  unknownParameter,
} from "../error-cases.ts";
import { messages } from "../messages.ts";
import {
  createNodeSchema,
  deleteNodeQuerySchema,
  nodeDeletedSchema,
  nodeHealthSchema,
  nodeListSchema,
  nodeMessages,
  nodePageQuerySchema,
  nodePathSchema,
  nodeSchema,
  updateNodeSchema,
} from "../node-bodies.ts";

const exampleNode = {
  name: "fi-1",
  address: "10.0.0.2:10085",
  state: "active",
  host: "fi.example.com",
  port: null,
  public_key: "Z84J2IelR9ch3k8VtlVhhs5ycBUlXA7wHBWcBrjqnAw",
  short_id: null,
  sni: null,
  inbounds: [
    {
      tag: "vless-in",
      protocol: "vless",
      transport: "tcp",
      path: null,
      server_key: null,
      encryption: null,
      port: null,
      public_key: null,
      short_id: null,
      sni: null,
      groups: null,
    },
  ],
  tls: null,
  groups: ["default"],
  multiplier: 1,
  note: null,
  discovered: null,
  created_at: 1703520000,
} as const;

const badField: ErrorCase = {
  status: 400,
  name: "field",
  description: "A field is missing, has a wrong type or an impossible value.",
  detail: nodeMessages.address,
};

const taken: ErrorCase = {
  status: 409,
  name: "taken",
  description: "Another node has the name, the address or the Xray process.",
  detail: "the address 10.0.0.2:10085 is that of node main",
};

const tooMany: ErrorCase = {
  status: 409,
  name: "too-many",
  description: `There are ${MOST_NODES} nodes already.`,
  detail: `there are ${MOST_NODES} nodes already: delete one first`,
};

const notFound: ErrorCase = {
  status: 404,
  name: "node-not-found",
  description: "There is no such node.",
  detail: messages.nodeNotFound("none"),
};

const beingDeleted: ErrorCase = {
  status: 400,
  name: "deleted",
  description: "The node is being deleted.",
  detail: "node fi-1 is being deleted",
};

const owned = ofInstallation("nodes");

const AS_STORED = "Workers, collectors and the API know of it within two seconds.";

const ofOneNode = { auth: "bearer", tag: "Nodes", params: nodePathSchema } as const;
const oneNode = { contentType: "application/json", schema: nodeSchema, example: exampleNode } as const;

export const nodeEndpoints = {
  listNodes: {
    method: "get",
    path: "/api/nodes",
    tag: "Nodes",
    summary: "List all nodes",
    description:
      "In the order in which links show them; with `limit` or `after` one page of them, by name. A token with an owner sees none.",
    auth: "bearer",
    scope: "nodes:read",
    query: nodePageQuerySchema,
    success: {
      description: "The nodes and their number.",
      contentType: "application/json",
      schema: nodeListSchema,
      example: { nodes: [exampleNode], total: 1 },
    },
    errors: [...guarded, ...pagesOf(nodePageQuerySchema), storeAway],
  },
  createNode: {
    method: "post",
    path: "/api/nodes",
    tag: "Nodes",
    summary: "Add a node",
    description: `It is \`joining\` while workers fill it with users, and \`active\` then. ${AS_STORED}`,
    auth: "bearer",
    scope: "nodes:write",
    body: {
      required: true,
      schema: createNodeSchema,
      description: "The node.",
      examples: {
        other: {
          summary: "Another server",
          value: { name: "fi-1", address: "10.0.0.2:10085", host: "fi.example.com" },
        },
        costly: {
          summary: "A server whose bytes count twice",
          value: { name: "jp-1", address: "10.0.0.3:10085", host: "jp.example.com", multiplier: 2 },
        },
      },
    },
    success: { description: "The new node.", ...oneNode, example: { ...exampleNode, state: "joining" } },
    errors: ofWrite("create node", [owned, badField, taken, tooMany, fleetTooLarge]),
  },
  getNode: {
    method: "get",
    path: "/api/nodes/{name}",
    ...ofOneNode,
    summary: "Get a node",
    description: "As it is stored.",
    scope: "nodes:read",
    success: { description: "The node.", ...oneNode },
    errors: [...guarded, notFound, storeAway],
  },
  getNodeHealth: {
    method: "get",
    path: "/api/nodes/{name}/health",
    ...ofOneNode,
    summary: "Get a node's health",
    description: "As workers and collectors noted it since the node was added: the node itself is not asked.",
    scope: "nodes:read",
    success: {
      description: "How the node does.",
      contentType: "application/json",
      schema: nodeHealthSchema,
      example: {
        name: "fi-1",
        state: "active",
        reachable: true,
        since: 1703606400,
        version: null,
        users: 3025,
        drift: { missing: 0, wrong: 0, orphan: 0 },
        reconciled_at: 1703606390,
        link_fault: null,
        last_reading: 1703606395,
        lag: 5,
      },
    },
    errors: [...guarded, notFound, storeAway],
  },
  updateNode: {
    method: "patch",
    path: "/api/nodes/{name}",
    ...ofOneNode,
    summary: "Change a node",
    description:
      "A JSON merge patch (RFC 7396): what is left out stays; null leaves it to the installation. A field that was changed " +
      `here does not follow the environment any more. One with another \`address\` is \`joining\` first. ${AS_STORED}`,
    scope: "nodes:write",
    body: {
      schema: updateNodeSchema,
      description: "What is to be different.",
      examples: {
        host: { summary: "Another host", value: { host: "fi2.example.com" } },
        free: { summary: "Bytes count as nothing from now on", value: { multiplier: 0 } },
      },
    },
    success: { description: "The node as it is now.", ...oneNode },
    errors: ofWrite("change node", [badField, taken, fleetTooLarge, notFound]),
  },
  drainNode: {
    method: "post",
    path: "/api/nodes/{name}/drain",
    ...ofOneNode,
    summary: "Take a node out of links",
    description: `Links and subscriptions don't show it any more; it keeps its users, and their bytes are counted. One that was not draining yet is the event \`node.drained\`. ${AS_STORED}`,
    scope: "nodes:write",
    success: { description: "The node.", ...oneNode, example: { ...exampleNode, state: "draining" } },
    errors: ofWrite("drain node", [notFound, beingDeleted]),
  },
  undrainNode: {
    method: "post",
    path: "/api/nodes/{name}/undrain",
    ...ofOneNode,
    summary: "Show a node in links again",
    description: `One whose deletion did not come to its end, or that drains before it was filled, is filled with users first. ${AS_STORED}`,
    scope: "nodes:write",
    success: { description: "The node.", ...oneNode },
    errors: ofWrite("undrain node", [notFound]),
  },
  deleteNode: {
    method: "delete",
    path: "/api/nodes/{name}",
    ...ofOneNode,
    summary: "Delete a node",
    description:
      "Nobody adds users to it any more, ours are removed, its bytes are read a last time, then it is gone: about four seconds. " +
      "Bytes stay with their keys. One that does not answer goes with `?force=true` alone. After a 503 it may be `disabled`: " +
      "the same call goes on from there, and `undrain` takes it back. Drain it some time before: connections that are open " +
      "go on until clients end them, and what they move after the last reading is not counted.",
    scope: "nodes:write",
    query: deleteNodeQuerySchema,
    success: {
      description: "The node is gone.",
      contentType: "application/json",
      schema: nodeDeletedSchema,
      example: { success: true, message: messages.nodeDeleted("fi-1") },
    },
    errors: ofWrite("delete node", [
      { status: 400, name: "force", description: "`force` is neither true nor false.", detail: nodeMessages.force },
      unknownParameter("now", deleteNodeQuerySchema),
      notFound,
    ]),
  },
} as const satisfies Record<string, Endpoint>;
