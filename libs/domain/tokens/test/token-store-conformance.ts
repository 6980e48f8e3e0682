import { expect, it } from "vitest";
import type { TokenStore } from "../src/index.ts";
import { storedToken } from "./stored-token.ts";

/**
 * Registers what changes of tokens, and those who read them, rely on in a {@link TokenStore}.
 *
 * @param open the store under test; other tokens may be in it already, and each call may give the same one
 */
export function tokenStoreConformance(open: () => TokenStore): void {
  const fresh = (attributes: Parameters<typeof storedToken>[0] = {}) => {
    const { text: _, ...token } = storedToken(attributes);
    return token;
  };

  it("has nothing of a token that was never made", async () => {
    expect(await open().find("000000000000")).toBeNull();
    expect(await open().remove("000000000000")).toBe(false);
    expect(await open().replace(fresh(), 1)).toBe("outdated");
  });

  it("gives back a token as it was made, alone and among all", async () => {
    const token = fresh({
      name: 'касса "$1"',
      scopes: ["keys:read", "traffic:read"],
      owner: "a.b$c",
      addresses: ["10.0.0.0/8", "2001:db8::/32"],
      rate: 5,
      expiresAt: 1_800_000_000,
      jobs: ["create-token-1"],
      jobsAt: [1_800_000_000],
    });
    expect(await open().insert(token)).toBe("inserted");
    expect(await open().find(token.id)).toEqual(token);
    expect((await open().list()).filter(({ id }) => id === token.id)).toEqual([token]);
  });

  it("lists the oldest first", async () => {
    const [older, newer] = [fresh({ createdAt: 100 }), fresh({ createdAt: 200 })];
    await open().insert(newer);
    await open().insert(older);
    const ids = (await open().list()).map(({ id }) => id);
    expect(ids.indexOf(older.id)).toBeLessThan(ids.indexOf(newer.id));
  });

  it("makes an id once, and a name once", async () => {
    const token = fresh();
    expect(await open().insert(token)).toBe("inserted");
    expect(await open().insert({ ...token, scopes: [] })).toBe("present");
    expect(await open().insert(fresh({ name: token.name }))).toBe("taken");
    expect(await open().find(token.id)).toEqual(token);
  });

  it("lets one of many at once have a name", async () => {
    const name = fresh().name;
    const ends = await Promise.all(Array.from({ length: 8 }, () => open().insert(fresh({ name }))));
    expect(ends.filter((end) => end === "inserted")).toHaveLength(1);
    expect(ends.filter((end) => end === "taken")).toHaveLength(7);
  });

  it("replaces a token of the revision that was read, and no other", async () => {
    const token = fresh();
    await open().insert(token);
    const changed = { ...token, owner: "shop", rate: 7, revision: 2, jobs: ["change-token-1"], jobsAt: [7] };
    expect(await open().replace(changed, 1)).toBe("replaced");
    expect(await open().replace({ ...token, revision: 2 }, 1)).toBe("outdated");
    expect(await open().find(token.id)).toEqual(changed);
  });

  it("lets no change take another token's name", async () => {
    const [one, two] = [fresh(), fresh()];
    await open().insert(one);
    await open().insert(two);
    expect(await open().replace({ ...two, name: one.name, revision: 2 }, 1)).toBe("taken");
    expect(await open().find(two.id)).toEqual(two);
  });

  it("leaves each owner names of its own, also when a token is given to another one", async () => {
    const name = fresh().name;
    const [shop, bazaar, nobody] = [fresh({ name, owner: "shop" }), fresh({ name, owner: "bazaar" }), fresh({ name })];
    for (const token of [shop, bazaar, nobody]) expect(await open().insert(token)).toBe("inserted");
    expect(await open().insert(fresh({ name, owner: "shop" }))).toBe("taken");
    expect(await open().replace({ ...bazaar, owner: "shop", revision: 2 }, 1)).toBe("taken");
    for (const token of [shop, bazaar, nobody]) expect(await open().find(token.id)).toEqual(token);
  });

  it("removes a token once, and its name is free then", async () => {
    const token = fresh();
    await open().insert(token);
    expect([await open().remove(token.id), await open().remove(token.id)]).toEqual([true, false]);
    expect(await open().find(token.id)).toBeNull();
    expect(await open().insert(fresh({ name: token.name }))).toBe("inserted");
  });
}
