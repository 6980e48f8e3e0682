import { alpnProtocols, type HostBody } from "@veil/http-contract";
import { type Fleet, hostsOf, type NodeHost } from "@veil/nodes";
import { fingerprints } from "@veil/protocols";
import { HostNotFoundError } from "../errors.ts";
import { seesNodes } from "../nodes/read-nodes.ts";
import type { RequestScope } from "../ports.ts";

export interface ReadHostsPorts {
  /** The nodes and hosts as they are stored; the nodes of the environment where none are. */
  readonly fleet: () => Promise<Fleet>;
}

/** The hosts that the caller sees, in their order: they are the installation's, so that one with an owner sees none. */
export async function listHosts(scope: RequestScope, { fleet }: ReadHostsPorts): Promise<HostBody[]> {
  return seesNodes(scope) ? hostsOf(await fleet()).map(hostBody) : [];
}

/** @throws {HostNotFoundError} when the caller sees none of this id */
export async function readHost(id: string, scope: RequestScope, ports: ReadHostsPorts): Promise<HostBody> {
  const body = (await listHosts(scope, ports)).find((host) => host.id === id);
  if (body === undefined) throw new HostNotFoundError(id);
  return body;
}

function hostBody(host: NodeHost): HostBody {
  const { id, node, remark, address, port, sni, path, order, weight, hidden, of } = host;
  return {
    ...{ id, node, inbound: host.inbound ?? of.inboundTag, remark, address, port, sni },
    // A fingerprint that another version has let in stands in links as it is, and is none here.
    fingerprint: fingerprints.find((known) => known === host.fingerprint) ?? null,
    alpn: alpnOf(host),
    ...{ path, order, weight, groups: host.groups === null ? null : [...host.groups], hidden },
    is_own: host.isOwn,
    created_at: host.createdAt,
  };
}

type Alpn = NonNullable<HostBody["alpn"]>;

function alpnOf({ alpn }: NodeHost): Alpn | null {
  const named = alpn?.flatMap((name) => alpnProtocols.find((known) => known === name) ?? []) ?? [];
  return named.length === 0 ? null : named;
}
