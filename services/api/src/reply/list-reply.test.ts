import { describe, expect, it } from "vitest";
import { jsonListChunks } from "./list-reply.ts";

async function* keys(count: number): AsyncGenerator<object[]> {
  for (let keyId = 1; keyId <= count; keyId += 1) {
    const uuid = "123e4567-e89b-42d3-a456-426614174000";
    yield [{ key_id: keyId, uuid, name: `Имя "${keyId}"`, created_at: 1_700_000_000 }];
  }
}

async function chunksOf(count: number, total: (() => Promise<number>) | null = null): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of jsonListChunks("keys", keys(count), total)) chunks.push(chunk);
  return chunks;
}

describe("jsonListChunks", () => {
  it("makes an empty list in one chunk", async () => {
    expect(await chunksOf(0)).toEqual(['{"keys":[],"total":0}']);
  });

  it("makes a short list in one chunk", async () => {
    const [only = "", ...rest] = await chunksOf(2);
    expect(rest).toEqual([]);
    expect(JSON.parse(only)).toEqual({
      keys: [1, 2].map((keyId) => ({
        key_id: keyId,
        uuid: "123e4567-e89b-42d3-a456-426614174000",
        name: `Имя "${keyId}"`,
        created_at: 1_700_000_000,
      })),
      total: 2,
    });
  });

  it("tells the total that it is given", async () => {
    expect(JSON.parse((await chunksOf(1, async () => 77)).join(""))).toMatchObject({ total: 77 });
  });

  it("makes a long list in chunks of bounded size", async () => {
    const chunks = await chunksOf(5_000);
    expect(chunks.length).toBeGreaterThan(5);
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(66_000);
    expect(JSON.parse(chunks.join(""))).toMatchObject({ total: 5_000 });
  });
});
