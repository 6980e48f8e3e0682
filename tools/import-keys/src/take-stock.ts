import type { Creation, KeyRecord } from "@veil/keys";
import { InboundMissingError, type InboundUser, readVlessAccount, XrayError, type XrayNode } from "@veil/xray-grpc";
import { legacyEmails, type LegacyKey, matchOf } from "./legacy-key.ts";
import { holdings, type NodeHolding } from "./former-users.ts";
import { AccountsUnreadableError, ImportConflictError, NodeNotReadyError } from "./import-errors.ts";
import { type AccountFlow, accountFlows } from "./key-flows.ts";

/** A node's holding of the keys to import. */
export interface NodeStock {
  readonly node: XrayNode;
  readonly held: ReadonlyMap<number, NodeHolding>;
  readonly flows: readonly AccountFlow[];
}

/**
 * Lists a node's users.
 *
 * @throws {NodeNotReadyError} when it can't
 * @throws {AccountsUnreadableError} when a former user of a key has an account that can't be read
 */
export async function takeStock(node: XrayNode, keys: readonly LegacyKey[]): Promise<NodeStock> {
  const users = await listUsers(node);
  const emails = new Set<string>(keys.flatMap(legacyEmails));
  const unreadable = users.filter(
    ({ email, account }) => emails.has(email.toLowerCase()) && readVlessAccount(account) === null,
  );
  if (unreadable.length > 0) {
    throw new AccountsUnreadableError(
      node.name,
      unreadable.map(({ email }) => email),
    );
  }
  return { node, held: holdings(users, keys), flows: accountFlows(users, keys) };
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

export interface PresentKeys {
  /** Keys of these ids, whatever phase they are in. */
  readonly records: ReadonlyMap<number, KeyRecord>;
  /** Every active key's UUID. */
  readonly active: ReadonlyMap<number, { readonly uuid: string }>;
  readonly creating: readonly Creation[];
}

/**
 * Checks that no key has an id or a UUID that another one has here already.
 *
 * @throws {ImportConflictError}
 */
export function checkConflicts(keys: readonly LegacyKey[], { records, active, creating }: PresentKeys): void {
  const ownerOf = new Map([...active].map(([keyId, { uuid }]) => [matchOf(uuid), keyId]));
  const claimed = new Map(creating.map(({ keyId, uuid }) => [keyId, uuid]));
  const conflicts = keys.filter(({ id, uuid }) => {
    const present = records.get(id)?.uuid ?? claimed.get(id);
    return (present !== undefined && present !== uuid) || (ownerOf.get(matchOf(uuid)) ?? id) !== id;
  });
  if (conflicts.length > 0) throw new ImportConflictError(conflicts.map(({ id }) => id));
}
