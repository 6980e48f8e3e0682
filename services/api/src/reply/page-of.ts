/** Selects a page of a list; without any of its fields, all. */
export interface NamedPage {
  readonly limit?: number | undefined;
  /** Only entries behind this one. */
  readonly after?: string | undefined;
}

/**
 * A page of a list whose entries have names. Pages ascend by name, so that neither an entry that goes nor one that gets another
 * place among all lets a reader miss one; the whole list keeps its own order.
 */
export function pageOf<T>(list: readonly T[], { limit, after }: NamedPage, nameOf: (entry: T) => string): readonly T[] {
  if (limit === undefined && after === undefined) return list;
  const behind = list.filter((entry) => after === undefined || nameOf(entry) > after);
  return behind.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).slice(0, limit);
}
