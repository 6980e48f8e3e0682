const NODE_PREFIX = "node/";

/** The ledger subject of one key: its id in decimal digits. */
export function keySubject(keyId: number): string {
  return String(keyId);
}

/** The ledger subject of a node's own inbound, whose bytes outlive the keys that moved them. */
export function nodeSubject(node: string): string {
  return NODE_PREFIX + node;
}

/** Whether a subject is a node's inbound, not a key. */
export function isNodeSubject(subject: string): boolean {
  return subject.startsWith(NODE_PREFIX);
}
