import type { Connection } from "@veil/protocols";
import { type Language, noticeReason, noticeText } from "./notices.ts";
import type { Subscription } from "./subscription.ts";
import { uniqueRemarks } from "./unique-remarks.ts";

/** At least one connection: no app reads an empty list as what it is. */
export type Entries = readonly [Connection, ...Connection[]];

/** How a format limits its entries. */
export interface EntryRules {
  /** Whether the format has words for a connection; what it can't say is left out. */
  readonly canSay?: (connection: Connection) => boolean;
  /** Names that the format gives to something else. */
  readonly reservedNames?: readonly string[];
}

/**
 * The entries of a subscription: its connections, or one entry that leads nowhere and whose remark says why. Such an
 * entry holds nothing of the key.
 */
export function entriesOf(subscription: Subscription, language: Language, rules: EntryRules = {}): Entries {
  const { canSay = () => true, reservedNames = [] } = rules;
  const reason = noticeReason(subscription);
  if (reason !== null) return [nowhere(noticeText(reason, language))];
  const [first, ...rest] = uniqueRemarks(subscription.connections.filter(canSay), reservedNames);
  return first === undefined ? [nowhere(noticeText("unsupported", language))] : [first, ...rest];
}

const NO_UUID = "00000000-0000-0000-0000-000000000000";

/** An entry that every app shows and none can connect with: the unspecified address, on a port where nothing listens. */
function nowhere(remark: string): Connection {
  return {
    protocol: "vless",
    remark,
    address: "0.0.0.0",
    port: 1,
    uuid: NO_UUID,
    flow: "",
    security: { kind: "none" },
    transport: { kind: "tcp" },
  };
}
