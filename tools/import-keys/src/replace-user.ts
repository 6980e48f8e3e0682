import type { Clock } from "@veil/runtime";
import { setTimeout as sleep } from "node:timers/promises";
import { type HeldLease, isWanted, type KeyLease, type KeyStore, LATE_CALL_MS } from "@veil/keys";
import {
  AccountMismatchError,
  InboundMissingError,
  type InboundUser,
  type XrayNode,
  XrayIndeterminateError,
  XrayUnreachableError,
} from "@veil/xray-grpc";
import { keyProtocol, userEmail } from "@veil/protocols";
import type { NodeHolding } from "./former-users.ts";

export interface ReplacePorts {
  readonly clock: Pick<Clock, "now">;
  readonly store: Pick<KeyStore, "find">;
  readonly lease: KeyLease;
  /** Lets one user at a time be away: a process that is killed leaves no more than one behind. */
  readonly oneAtATime: <T>(change: () => Promise<T>) => Promise<T>;
}

type UserNode = Pick<XrayNode, "addUser" | "removeUser">;

const ATTEMPTS = 10;

/**
 * Makes a key's user stand on a node under our e-mail alone, or not at all when the key was deleted meanwhile.
 *
 * Xray knows a UUID once: the last user added has it, and removing any of those that name it takes it from all, while the
 * others stay listed. So everything that names it goes first and ours is added last, and an add that finds ours there
 * already proves nothing: it is repeated after removing that too. Between the two calls the key can't connect; what is
 * connected stays connected.
 *
 * @returns for how many milliseconds the key could not connect
 * @throws {LeaseHeldError | StoreUnavailableError | XrayError}
 */
export async function replaceUser(
  keyId: number,
  node: UserNode,
  holding: NodeHolding,
  ports: ReplacePorts,
): Promise<number> {
  return ports.lease.hold(keyId, async (lease) => {
    const key = await ports.store.find(keyId);
    const wanted: InboundUser | null =
      key !== null && isWanted(key, ports.clock.now())
        ? { email: userEmail(keyId), account: keyProtocol.accountOf(key) }
        : null;
    return ports.oneAtATime(() => converge(userEmail(keyId), wanted, node, holding, lease));
  });
}

async function converge(
  ours: string,
  wanted: InboundUser | null,
  node: UserNode,
  { former, ours: isThere }: NodeHolding,
  lease: HeldLease,
): Promise<number> {
  const began = performance.now();
  const beforeCall = () => lease.mustLast();
  let mayBeThere = isThere;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const removed = mayBeThere ? [ours, ...former] : former;
      for (const email of removed) {
        await node.removeUser(email, { beforeCall });
      }
      if (wanted === null) return 0;
      if ((await node.addUser(wanted, { beforeCall })) === "added")
        return removed.length === 0 ? 0 : performance.now() - began;
      if (attempt === ATTEMPTS) throw new Error(`${ours} is added again and again by somebody else`);
    } catch (error) {
      if (attempt === ATTEMPTS || !passes(error)) throw error;
      if (!(error instanceof AccountMismatchError)) await sleep(LATE_CALL_MS);
    }
    mayBeThere = true;
  }
}

function passes(error: unknown): boolean {
  return (
    error instanceof AccountMismatchError ||
    error instanceof InboundMissingError ||
    error instanceof XrayIndeterminateError ||
    error instanceof XrayUnreachableError
  );
}
