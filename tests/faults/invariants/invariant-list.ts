/** The invariants, in the words of the table's legend. */
export const invariantTexts = {
  answered: "an answered key is listed, readable, in MongoDB and in every node, with the uuid that was answered",
  refused: "a refused key is nowhere: not listed, not active in MongoDB, in no node",
  deleted: "a deleted key is gone everywhere; of racing deletions one is answered 200, the others 404",
  agree: "list, MongoDB and nodes hold the same keys: no orphan, no gap, no name twice, no id or uuid twice",
  finished: "nothing is left pending: no claim undecided, no deletion unfinished, no request half done",
  connects: "keys that exist carry traffic, keys that do not are turned away (real clients, samples)",
  atOnce: "what an answer says is true of the node when it arrives",
  deadline: "every request is answered within its time, with a status of the contract",
  reads: "reads that do not need the missing part go on",
  terms: "a key serves within its terms and only then: every answered change stands, a repeated one is made once",
  events:
    "each answered change has its event once in the log, those of a key in their order; whoever reads on finds all",
  webhooks: "each event of the log reaches its receiver, signed, those of a key in their order",
  braked: "no node loses its users while the database has no record of most of them",
  unmanaged: "users that Veil does not own are never touched",
  traffic: "bytes are counted once: never more than were moved, never less than were read before a crash",
  resets: "after a reset only later bytes count",
  metric: "veil_traffic_bytes_total never decreases",
  recovery: "all keys work again within 2 s of Xray's port being up",
  stop: "SIGTERM ends a service within its deadline with exit code 0, and refuses nothing that it could finish",
} as const;

export type InvariantName = keyof typeof invariantTexts;
