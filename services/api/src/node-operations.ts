import { messages, type NodeDeletedBody, type NodeListBody } from "@veil/http-contract";
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
