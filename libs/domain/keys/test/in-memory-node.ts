import type { NodeCallOptions, NodeUser, NodeUsers, RemoveOptions } from "../src/node-users.ts";

type Call = "add" | "remove" | "remove, then add";

/** A node that keeps its users in memory and remembers what it was asked. The holder of the lease replaces accounts. */
export class InMemoryNode implements NodeUsers {
  readonly name: string;
  reachable = true;
  groups: readonly string[] = ["default"];
  isSettled = true;
  readonly users = new Map<number, NodeUser>();
  readonly calls: Call[] = [];
  /** Runs as a call arrives: what it throws is the call's failure. */
  onCall: (call: Call, keyId: number) => Promise<void> | void = () => undefined;

  constructor(name: string) {
    this.name = name;
  }

  async add(user: NodeUser, { beforeCall }: NodeCallOptions = {}): Promise<"added" | "exists"> {
    await this.#arrive("add", user.keyId, beforeCall);
    const present = this.users.get(user.keyId);
    const isReplaced = beforeCall !== undefined && present?.uuid !== user.uuid;
    if (present !== undefined && !isReplaced) return "exists";
    this.users.set(user.keyId, user);
    return "added";
  }

  async remove(keyId: number, { next, beforeCall }: RemoveOptions = {}): Promise<"removed" | "absent"> {
    await this.#arrive(next === "add" ? "remove, then add" : "remove", keyId, beforeCall);
    return this.users.delete(keyId) ? "removed" : "absent";
  }

  async prepareRemovals(): Promise<void> {
    await Promise.resolve();
  }

  async #arrive(call: Call, keyId: number, beforeCall: (() => void) | undefined): Promise<void> {
    beforeCall?.();
    this.calls.push(call);
    await this.onCall(call, keyId);
  }
}
