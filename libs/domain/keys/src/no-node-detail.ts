/** The outcome of asking one node: it holds the user, could not be reached or gave no answer, or refused it for good. */
export type NodeEnd = "took" | "disturbed" | "unreachable" | "indeterminate" | "rejected";

/** In which states the nodes of a key's groups are while none of them is active. */
export type IdleState = "joining" | "draining" | "disabled";

const WORDS: Readonly<Record<IdleState, string>> = {
  joining: "being filled with users",
  draining: "drained",
  disabled: "being deleted",
};

/** Said where the first link of a key can lead to no node, because none of its groups' nodes is active. */
export function noneActiveDetail(states: readonly IdleState[]): string {
  const kinds = (["joining", "draining", "disabled"] as const).filter((state) => states.includes(state));
  // One may have become active since it was asked for.
  const isSoon = kinds.length === 0 || kinds.includes("joining");
  const words = kinds.map((state) => WORDS[state]).join(" or ") || "changing";
  return `no Xray node of its groups is active: they are ${words}; ${isSoon ? "try again soon" : "undrain one or add another"}`;
}

/**
 * Said where no node took a key that one had to take.
 *
 * @param ends of the nodes that were asked
 */
export function noneTookDetail(ends: readonly NodeEnd[]): string {
  if (ends.length === 0) return "there is no Xray node";
  if (ends.includes("took") || ends.includes("disturbed"))
    return "the Xray node that its link leads to can't be reached";
  if (ends.includes("rejected")) return "no Xray node that can be reached takes the key";
  return "no Xray node can be reached";
}
