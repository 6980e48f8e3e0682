import { tryRead } from "@veil/keys";
import { nameBeside } from "@veil/nodes";
import { isNodeEntity, isSameLife, type Life, nodeEntity, type NodeLivesStore } from "@veil/traffic";
import type { MeteredNode } from "./node-counters.ts";

type Inbounds = Pick<MeteredNode, "name" | "inboundTags">;

/** The meters of a node's inbounds, which together make the node's total. */
export class InboundMeters {
  readonly #node: Inbounds;
  readonly #lives: Pick<NodeLivesStore, "claimInbound">;
  #own: { readonly life: Life; readonly tag: string } | null = null;

  constructor(node: Inbounds, lives: Pick<NodeLivesStore, "claimInbound">) {
    this.#node = node;
    this.#lives = lives;
  }

  /**
   * Finds out which of the inbounds has the entries with the life's own name: the one that was the first when the life was first read,
   * as in records of versions that know no other. For each life it is the same for good, whichever is the first later: so an inbound
   * that comes back goes on where it was.
   *
   * @throws {StoreUnavailableError} when the store is away
   */
  async begin(life: Life): Promise<void> {
    if (this.#own !== null && isSameLife(this.#own.life, life)) return;
    this.#own = null;
    const [first] = this.#node.inboundTags();
    const tag = await tryRead(() => this.#lives.claimInbound(life, first));
    // What is stored makes no sense: then no inbound is counted for now, and users are.
    if (tag !== "unreadable") this.#own = { life, tag };
  }

  /** The inbounds' tags at this moment, by meter. */
  tags(): ReadonlyMap<string, string> {
    const own = this.#own;
    if (own === null) return new Map();
    const total = nodeEntity(this.#node.name);
    return new Map(this.#node.inboundTags().map((tag) => [tag === own.tag ? total : nameBeside(total, tag), tag]));
  }
}

/** In whose record the bytes of a meter are: a key's in its own, those of inbounds in that of their node. */
export function entityOfMeter(meter: string, node: string): string {
  return isNodeEntity(meter) ? nodeEntity(node) : meter;
}

/** What the ledger calls a process' life where it counts with a meter: the counters of each inbound are entries of their own. */
export function lifeOfMeter(meter: string, node: string, life: Life): Life {
  const inbound = isNodeEntity(meter) ? meter.slice(nodeEntity(node).length) : "";
  return inbound === "" ? life : { ...life, node: life.node + inbound };
}
