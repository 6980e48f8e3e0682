/** A key as the first implementation kept it. */
export interface LegacyKey {
  readonly id: number;
  /** Lower-case v4. */
  readonly uuid: string;
  readonly name: string | null;
  readonly shortId: string | null;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly isActive: boolean;
  readonly traffic: LegacyTraffic;
}

/**
 * The old system's record of a key's traffic: a copy of Xray's counters, written over at every sync. Bytes; zero
 * without a record.
 *
 * A restart of Xray set its counters, and with the next sync these figures, to zero.
 */
export interface LegacyTraffic {
  readonly up: number;
  readonly down: number;
  /** When the copy was made. Unix seconds, 0 when never. */
  readonly updatedAt: number;
}

/** The e-mails that a key's user may have in Xray: the second one where the first implementation was given none. */
export function legacyEmails({ id, uuid }: Pick<LegacyKey, "id" | "uuid">): readonly [string, string] {
  const start = uuid.slice(0, 8);
  return [`user_${id}_${start}`, `user_${start}`];
}
