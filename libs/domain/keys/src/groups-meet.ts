/** Whether two lists of groups have a name in common: of a key and a node, it says that the node is to hold the key's user. */
export function groupsMeet(one: readonly string[], other: readonly string[]): boolean {
  return one.some((group) => other.includes(group));
}
