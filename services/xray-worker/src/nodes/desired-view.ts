import { type DesiredUser, groupsMeet } from "@veil/keys";

/** How many users are in the same groups. */
interface Counted {
  readonly groups: readonly string[];
  users: number;
}

/** A process's view of the users that nodes should hold. It answers what each period asks without a look at every user. */
export class DesiredView {
  readonly #users = new Map<number, DesiredUser>();
  /** Those of them that some nodes are marked for. */
  readonly #marked = new Map<number, readonly string[]>();
  /** By the groups as text. A million users share few of them. */
  readonly #counted = new Map<string, Counted>();
  /** The same by lists that were seen, most of which are shared. */
  readonly #known = new WeakMap<readonly string[], Counted>();

  constructor(users: Iterable<DesiredUser>) {
    for (const user of users) this.set(user);
  }

  /** By the key's id. */
  get users(): ReadonlyMap<number, DesiredUser> {
    return this.#users;
  }

  set(user: DesiredUser): void {
    this.#uncount(user.keyId);
    const counted = this.#countedAs(user.groups);
    counted.users += 1;
    // One list for all who are in the same groups, so that whoever compares them may go by identity.
    this.#users.set(user.keyId, user.groups === counted.groups ? user : { ...user, groups: counted.groups });
    if (user.indeterminate.length > 0) this.#marked.set(user.keyId, user.indeterminate);
    else this.#marked.delete(user.keyId);
  }

  delete(keyId: number): void {
    this.#uncount(keyId);
    this.#users.delete(keyId);
    this.#marked.delete(keyId);
  }

  /** How many users are in one of these groups. */
  countIn(groups: readonly string[]): number {
    let users = 0;
    for (const counted of this.#counted.values()) if (groupsMeet(counted.groups, groups)) users += counted.users;
    return users;
  }

  /** Whether an older operation may still undo one of the users on a node. */
  isIndeterminate(node: string): boolean {
    return [...this.#marked.values()].some((nodes) => nodes.includes(node));
  }

  #uncount(keyId: number): void {
    const user = this.#users.get(keyId);
    if (user !== undefined) this.#countedAs(user.groups).users -= 1;
  }

  #countedAs(groups: readonly string[]): Counted {
    const known = this.#known.get(groups);
    if (known !== undefined) return known;
    const text = JSON.stringify(groups);
    const counted = this.#counted.get(text) ?? { groups, users: 0 };
    this.#counted.set(text, counted);
    this.#known.set(groups, counted);
    return counted;
  }
}
