import type { Connection } from "@veil/protocols";
import { type Language, noticeReason, noticeText } from "./notices.ts";
import type { Subscription } from "./subscription.ts";

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

/**
 * The connections with remarks that differ: of equal ones, those after the first become `name (2)`, `name (3)`. mihomo refuses
 * a config with two proxies of a name, and of a list of links it drops some; sing-box refuses it as well.
 *
 * @param reserved names that something else in the config has
 */
export function uniqueRemarks(connections: readonly Connection[], reserved: readonly string[] = []): Connection[] {
  const named = connections.map((connection) => ({ ...connection, remark: readable(connection) }));
  const wanted = new Set(named.map(({ remark }) => remark));
  const taken = new Set(reserved);
  return named.map((connection) => {
    const remark = freeName(connection.remark, (name) => taken.has(name), wanted);
    taken.add(remark);
    return { ...connection, remark };
  });
}

function freeName(name: string, isTaken: (name: string) => boolean, wanted: ReadonlySet<string>): string {
  if (!isTaken(name)) return name;
  for (let count = 2; ; count += 1) {
    const candidate = `${name} (${count})`;
    if (!isTaken(candidate) && !wanted.has(candidate)) return candidate;
  }
}

/** A lone surrogate is U+FFFD wherever a text becomes UTF-8; before that, two names may differ in it alone. */
function readable({ remark, address }: Connection): string {
  const wellFormed = remark.replace(/\p{Surrogate}/gu, "\uFFFD");
  return wellFormed === "" ? address : wellFormed;
}
