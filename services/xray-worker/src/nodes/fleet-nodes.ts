import type { NodeUsers } from "@veil/keys";
import type { ServicePart, ServiceParts } from "@veil/runtime";
import type { NodeSettings } from "@veil/settings";
import type { ConnectedNode } from "./connect-node.ts";

export interface FleetNodesOptions {
  readonly parts: Pick<ServiceParts, "open">;
  /** Connects a node and begins to look after it; what it opens goes with the part. */
  readonly open: (part: ServicePart, node: NodeSettings) => ConnectedNode;
  readonly onJoined: (node: string) => void;
  /** Called when nothing of the node is open any more, unless it has come back by then. */
  readonly onLeft: (node: string) => void;
}

interface OpenNode {
  readonly settings: NodeSettings;
  readonly part: ServicePart;
  readonly connected: ConnectedNode;
}

/** The nodes that this worker looks after, as they come and go. */
export class FleetNodes {
  readonly #options: FleetNodesOptions;
  readonly #open = new Map<string, OpenNode>();
  readonly #names: string[];
  readonly #users: NodeUsers[] = [];

  /** @param names filled with the names of the nodes that there are */
  constructor(names: string[], options: FleetNodesOptions) {
    this.#names = names;
    this.#options = options;
  }

  /** The users of the nodes that there are at each moment. The list itself changes. */
  get users(): readonly NodeUsers[] {
    return this.#users;
  }

  /** Looks after these nodes from now on. One that is found elsewhere is another one: it is left and connected anew. */
  follow(nodes: readonly NodeSettings[]): void {
    const wanted = new Map(nodes.map((node) => [node.name, node]));
    for (const [name, { settings, part }] of this.#open) {
      const next = wanted.get(name);
      if (next !== undefined && isSameNode(next, settings)) continue;
      this.#open.delete(name);
      void this.#close(name, part);
    }
    for (const node of nodes) if (!this.#open.has(node.name)) this.#connect(node);
    const open = nodes.flatMap(({ name }) => this.#open.get(name)?.connected ?? []);
    this.#names.splice(0, Number.POSITIVE_INFINITY, ...open.map(({ node }) => node.name));
    this.#users.splice(0, Number.POSITIVE_INFINITY, ...open.map(({ users }) => users));
  }

  async #close(name: string, part: ServicePart): Promise<void> {
    await part.close();
    if (!this.#open.has(name)) this.#options.onLeft(name);
  }

  #connect(settings: NodeSettings): void {
    const { parts, open, onJoined } = this.#options;
    onJoined(settings.name);
    const part = parts.open();
    this.#open.set(settings.name, { settings, part, connected: open(part, settings) });
  }
}

function isSameNode(one: NodeSettings, other: NodeSettings): boolean {
  return one.address === other.address && one.inboundTag === other.inboundTag;
}
