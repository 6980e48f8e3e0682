import type { DesiredUser, NodeUser } from "@veil/keys";
import { type Account, keyProtocol, protocolOf } from "@veil/protocols";

/** A user that a node holds. */
export interface ActualUser {
  readonly email: string;
  /** The key it belongs to; null for users that are not ours. */
  readonly keyId: number | null;
  /** Null for one that is of no use to our clients, whatever it is. */
  readonly account: Account | null;
}

/** How one node differs from what is desired; unmanaged users never count. */
export interface Drift {
  /** Wanted and absent. */
  readonly missing: readonly DesiredUser[];
  /** There with an account that differs from the wanted one in anything. */
  readonly wrong: readonly DesiredUser[];
  /** Right as listed, but an older operation may still undo it. */
  readonly indeterminate: readonly DesiredUser[];
  /** Ours by their e-mail, and of no key that is active or being created. */
  readonly orphans: readonly number[];
}

/** Compares the users of one node with the desired ones; keys that are being created may be there or not. */
export function diffUsers(
  node: string,
  actual: Iterable<ActualUser>,
  desired: ReadonlyMap<number, DesiredUser>,
  creating: ReadonlySet<number>,
): Drift {
  const present = new Set<number>();
  const wrong: DesiredUser[] = [];
  const indeterminate: DesiredUser[] = [];
  const orphans: number[] = [];
  for (const user of actual) {
    if (user.keyId === null) continue;
    const want = desired.get(user.keyId);
    if (want === undefined) {
      if (!creating.has(user.keyId)) orphans.push(user.keyId);
      continue;
    }
    present.add(user.keyId);
    if (!isRight(user.account, want)) wrong.push(want);
    else if (want.indeterminate.includes(node)) indeterminate.push(want);
  }
  const missing = [...desired.values()].filter((want) => !present.has(want.keyId));
  return { missing, wrong, indeterminate, orphans };
}

function isRight(account: Account | null, want: NodeUser): boolean {
  const wanted = keyProtocol.accountOf(want);
  return account !== null && account.protocol === wanted.protocol && protocolOf(wanted).isSameAccount(account, wanted);
}
