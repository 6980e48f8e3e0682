import type { Creation, KeyRecord } from "@veil/key-lifecycle";
import type { XrayNode } from "@veil/xray-gateway";
import { InboundMissingError, type InboundUser, XrayError } from "@veil/xray-gateway";
import type { VlessFlow } from "@veil/xray-protocols";
import { matchOf } from "./check-keys.ts";
import { holdings, type NodeHolding } from "./former-users.ts";
import { ImportConflictError, NodeNotReadyError } from "./import-errors.ts";
import type { LegacyKey } from "./legacy-key.ts";

/** What a node holds of the keys to import. */
export interface NodeStock {
  readonly node: XrayNode;
  readonly held: ReadonlyMap<number, NodeHolding>;
}

/**
 * Lists a node's users and checks that the keys' clients will be let in as before.
 *
 * @throws NodeNotReadyError
 */
export async function takeStock(node: XrayNode, keys: readonly LegacyKey[], flow: VlessFlow): Promise<NodeStock> {
  const users = await listUsers(node);
  const held = holdings(users, keys);
  checkFlow(node.name, users, keys, flow);
  return { node, held };
}

async function listUsers(node: XrayNode): Promise<InboundUser[]> {
  try {
    return await node.listUsers();
  } catch (error) {
    if (error instanceof InboundMissingError) {
      throw new NodeNotReadyError(node.name, `it has no inbound ${error.tag}; set XRAY_INBOUND_TAG`, error);
    }
    if (error instanceof XrayError) throw new NodeNotReadyError(node.name, "it can't be reached", error);
    throw error;
  }
}

/** Xray refuses a client whose flow is not its account's, so links in the field would end with another one. */
function checkFlow(node: string, users: readonly InboundUser[], keys: readonly LegacyKey[], flow: VlessFlow): void {
  const uuids = new Set(keys.map(({ uuid }) => matchOf(uuid)));
  let others = 0;
  for (const { account } of users) {
    if (account.protocol === "vless" && uuids.has(matchOf(account.uuid)) && account.flow !== flow) others += 1;
  }
  if (others === 0) return;
  const theirs = flow === "" ? "xtls-rprx-vision" : "none";
  throw new NodeNotReadyError(
    node,
    `${others} of the keys' accounts have the flow ${theirs}; set REALITY_FLOW=${theirs}`,
  );
}

export interface StandingKeys {
  /** Keys of these ids, whatever phase they are in. */
  readonly records: ReadonlyMap<number, KeyRecord>;
  /** Every active key's UUID. */
  readonly active: ReadonlyMap<number, { readonly uuid: string }>;
  readonly creating: readonly Creation[];
}

/**
 * Checks that no key has an id or a UUID that another one has here already.
 *
 * @throws ImportConflictError
 */
export function checkConflicts(keys: readonly LegacyKey[], { records, active, creating }: StandingKeys): void {
  const ownerOf = new Map([...active].map(([keyId, { uuid }]) => [matchOf(uuid), keyId]));
  const claimed = new Map(creating.map(({ keyId, uuid }) => [keyId, uuid]));
  const conflicts = keys.filter(({ id, uuid }) => {
    const standing = records.get(id)?.uuid ?? claimed.get(id);
    return (standing !== undefined && standing !== uuid) || (ownerOf.get(matchOf(uuid)) ?? id) !== id;
  });
  if (conflicts.length > 0) throw new ImportConflictError(conflicts.map(({ id }) => id));
}
