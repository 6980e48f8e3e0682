import { type InboundUser, readVlessAccount } from "@veil/xray-grpc";
import type { VlessFlow } from "@veil/protocols";
import { type LegacyKey, matchOf } from "./legacy-key.ts";
import { KeyFlowsDifferError } from "./import-errors.ts";

/** The flow of one account of a key on some node. */
export interface AccountFlow {
  readonly keyId: number;
  readonly flow: VlessFlow;
}

/** The flows of all accounts that a node has for the keys, as Xray acts upon them. */
export function accountFlows(users: readonly InboundUser[], keys: readonly LegacyKey[]): AccountFlow[] {
  const byUuid = new Map(keys.map((key) => [matchOf(key.uuid), key.id]));
  return users.flatMap(({ account }) => {
    const client = readVlessAccount(account);
    const keyId = client === null ? undefined : byUuid.get(matchOf(client.uuid));
    return client === null || keyId === undefined ? [] : [{ keyId, flow: client.flow }];
  });
}

/**
 * The flow with which each key's clients are let in today, by key id. Links in the field say the same, and Xray refuses a
 * client whose flow is not its account's. Keys without an account are missing.
 *
 * @throws {KeyFlowsDifferError} when two accounts of one key have different flows: a key has one.
 */
export function keyFlows(accounts: readonly AccountFlow[]): Map<number, VlessFlow> {
  const flows = new Map<number, VlessFlow>();
  const torn = new Set<number>();
  for (const { keyId, flow } of accounts) {
    if ((flows.get(keyId) ?? flow) !== flow) torn.add(keyId);
    flows.set(keyId, flow);
  }
  if (torn.size > 0) throw new KeyFlowsDifferError([...torn]);
  return flows;
}
