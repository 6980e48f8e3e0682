import {
  type HostDeletedBody,
  type HostListBody,
  messages,
  type NodeDeletedBody,
  type NodeListBody,
} from "@veil/http-contract";
import { createHost, deleteHost, putHost, updateHost } from "./hosts/manage-hosts.ts";
import { listHosts, readHost } from "./hosts/read-hosts.ts";
import type { OperationTable } from "./http/endpoint-routes.ts";
import { createNode, deleteNode, drainNode, updateNode } from "./nodes/manage-nodes.ts";
import { listNodes, readNode, readNodeHealth } from "./nodes/read-nodes.ts";
import type { CallerPorts } from "./operation-ports.ts";
import { pageOf } from "./reply/page-of.ts";
import { ok } from "./reply/reply.ts";

type NodeOperation =
  | "createNode"
  | "deleteNode"
  | "drainNode"
  | "getNode"
  | "getNodeHealth"
  | "listNodes"
  | "undrainNode"
  | "updateNode";

/** The operations on which nodes there are. */
export const nodeOperations: Pick<OperationTable<CallerPorts>, NodeOperation> = {
  listNodes: async ({ query }, scope, within) => {
    const nodes = await listNodes(scope, within);
    return ok({ nodes: [...pageOf(nodes, query, ({ name }) => name)], total: nodes.length } satisfies NodeListBody);
  },
  getNode: async ({ params }, scope, within) => ok(await readNode(params.name, scope, within)),
  getNodeHealth: async ({ params }, scope, within) => ok(await readNodeHealth(params.name, scope, within)),
  createNode: async ({ body }, scope, within) => ok(await createNode(body, scope, within)),
  updateNode: async ({ params, body }, scope, within) => ok(await updateNode(params.name, body, scope, within)),
  drainNode: async ({ params }, scope, within) => ok(await drainNode("drainNode", params.name, scope, within)),
  undrainNode: async ({ params }, scope, within) => ok(await drainNode("undrainNode", params.name, scope, within)),
  deleteNode: async ({ params, query }, scope, within) => {
    await deleteNode(params.name, query.force, scope, within);
    return ok({ success: true, message: messages.nodeDeleted(params.name) } satisfies NodeDeletedBody);
  },
};

type HostOperation = "createHost" | "deleteHost" | "getHost" | "listHosts" | "putHost" | "updateHost";

/** The operations on what customers see of nodes. */
export const hostOperations: Pick<OperationTable<CallerPorts>, HostOperation> = {
  listHosts: async ({ query }, scope, within) => {
    const hosts = await listHosts(scope, within);
    return ok({ hosts: [...pageOf(hosts, query, ({ id }) => id)], total: hosts.length } satisfies HostListBody);
  },
  getHost: async ({ params }, scope, within) => ok(await readHost(params.id, scope, within)),
  createHost: async ({ body }, scope, within) => ok(await createHost(body, scope, within)),
  putHost: async ({ params, body }, scope, within) => ok(await putHost(params.id, body, scope, within)),
  updateHost: async ({ params, body }, scope, within) => ok(await updateHost(params.id, body, scope, within)),
  deleteHost: async ({ params }, scope, within) => {
    await deleteHost(params.id, scope, within);
    return ok({ success: true, message: messages.hostDeleted(params.id) } satisfies HostDeletedBody);
  },
};
