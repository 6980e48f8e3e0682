import type { Connection } from "@veil/protocols";

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
