import { type HostDeletedBody, type HostListBody, messages } from "@veil/http-contract";
import { createHost, deleteHost, putHost, updateHost } from "./hosts/manage-hosts.ts";
import { listHosts, readHost } from "./hosts/read-hosts.ts";
import type { OperationTable } from "./http/endpoint-routes.ts";
import type { CallerPorts } from "./operation-ports.ts";
import { pageOf } from "./reply/page-of.ts";
import { ok } from "./reply/reply.ts";

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
