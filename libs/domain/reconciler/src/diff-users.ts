import type { DesiredUser, NodeUser } from "@veil/keys";
import { type Account, type InboundKind, PLAIN_KIND, protocolNamed, protocolOf } from "@veil/protocols";

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

/** The properties of a place that decide which users it holds, and with which accounts. */
export interface ComparedNode {
  readonly name: string;
  /** How it speaks with clients; VLESS over TCP when left out. */
  readonly kind?: InboundKind;
}

/** Compares the users of one node with the desired ones; keys that are being created may be there or not. */
export function diffUsers(
  { name, kind = PLAIN_KIND }: ComparedNode,
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
    if (!isRight(user.account, want, kind)) wrong.push(want);
    else if (want.indeterminate.includes(name)) indeterminate.push(want);
  }
  const missing = [...desired.values()].filter((want) => !present.has(want.keyId));
  return { missing, wrong, indeterminate, orphans };
}

function isRight(account: Account | null, want: NodeUser, kind: InboundKind): boolean {
  if (account?.protocol !== kind.protocol) return false;
  const wanted = protocolNamed(kind.protocol).accountOf(want, kind);
  return protocolOf(wanted).isSameAccount(account, wanted);
}
