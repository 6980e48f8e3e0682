/**
 * Options of a connection string that decide what the write protocol stands on, or that the connection sets itself, each
 * with the values that change nothing. The driver takes some of them from there even when the code says otherwise.
 */
const decidedHere: Readonly<Record<string, RegExp>> = {
  connecttimeoutms: /^$/,
  fsync: /^false$/i,
  heartbeatfrequencyms: /^$/,
  j: /^true$/i,
  journal: /^true$/i,
  maxstalenessseconds: /^$/,
  readconcernlevel: /^(local|majority)$/i,
  readpreference: /^primary$/i,
  readpreferencetags: /^$/,
  serverselectiontimeoutms: /^$/,
  sockettimeoutms: /^$/,
  timeoutms: /^$/,
  w: /^majority$/i,
  waitqueuetimeoutms: /^$/,
  wtimeout: /^$/,
  wtimeoutms: /^$/,
};

export interface PlainMongoUri {
  readonly uri: string;
  /** The names of the options that were left out of it and would have changed something. */
  readonly ignored: readonly string[];
}

/**
 * A connection string without what the connection decides: `readPreference=secondaryPreferred` would have a node's users
 * compared with what a secondary knew some seconds ago, and `journal=false` acknowledge a key that a power cut takes back.
 */
export function plainMongoUri(uri: string): PlainMongoUri {
  const [base = "", query] = uri.split("?", 2);
  if (query === undefined) return { uri, ignored: [] };
  const ignored = new Set<string>();
  const kept = query.split("&").filter((option) => {
    const [name = "", value = ""] = option.split("=", 2);
    const harmless = decidedHere[name.toLowerCase()];
    if (harmless === undefined) return true;
    if (!harmless.test(value)) ignored.add(name);
    return false;
  });
  return { uri: kept.length === 0 ? base : `${base}?${kept.join("&")}`, ignored: [...ignored] };
}

/** Whether an address says which database is meant. */
export function namesDatabase(uri: string): boolean {
  return /^mongodb(?:\+srv)?:\/\/[^/]+\/[^?]+/.test(uri);
}
