import { endpoints } from "@veil/http-contract";
import { decode } from "fast-png";
import jsQR from "jsqr";
import { describe, expect, it } from "vitest";
import type { ContractTarget } from "../contract-suite.ts";
import { call, dropKey, answerOf, failure, type MadeKey, makeKey } from "./bot.ts";

export function describeKeys(target: () => ContractTarget): void {
  const list = async (): Promise<MadeKey[]> => {
    const response = await call(target(), "get", "/api/keys").expect(200);
    const body = endpoints.listKeys.success.schema.parse(response.body);
    expect(body.total).toBe(body.keys.length);
    return body.keys;
  };

  describe("creating a key", () => {
    it("answers the whole key", async () => {
      const before = Math.floor(Date.now() / 1_000) - 5;
      const response = await call(target(), "post", "/api/keys").send({ name: "user_name" });
      expect(answerOf(response)).toMatchObject({ status: 200 });
      expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
      const key = endpoints.createKey.success.schema.parse(response.body);
      expect(key).toMatchObject({ short_id: target().shortId, name: "user_name", is_active: true });
      expect(key.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(key.key_id).toBeGreaterThanOrEqual(1);
      const { created_at, key_id } = key;
      expect(created_at).toBeGreaterThanOrEqual(before);
      expect(created_at).toBeLessThanOrEqual(Math.ceil(Date.now() / 1_000) + 5);
      await dropKey(target(), { key_id });
    });

    it("gives growing ids that are not used again after a delete", async () => {
      const first = await makeKey(target());
      const second = await makeKey(target());
      await dropKey(target(), second);
      const third = await makeKey(target());
      expect(first.key_id).toBeGreaterThanOrEqual(1);
      expect(second.key_id).toBeGreaterThan(first.key_id);
      expect(third.key_id).toBeGreaterThan(second.key_id);
      await dropKey(target(), first);
      await dropKey(target(), third);
    });

    it("gives each of many at once its own id and uuid", async () => {
      const keys = await Promise.all(
        Array.from({ length: 20 }, (_, position) => makeKey(target(), { name: `k${position}` })),
      );
      expect(new Set(keys.map((key) => key.key_id)).size).toBe(20);
      expect(new Set(keys.map((key) => key.uuid)).size).toBe(20);
      await Promise.all(keys.map((key) => dropKey(target(), key)));
    });
  });

  describe("reading keys", () => {
    it("answers one key as it was created", async () => {
      const key = await makeKey(target(), { name: "read me" });
      const response = await call(target(), "get", `/api/keys/${key.key_id}`).expect(200);
      expect(response.body).toEqual(key);
      await dropKey(target(), key);
    });

    it("finds a key under an id with leading zeros", async () => {
      const key = await makeKey(target());
      const response = await call(target(), "get", `/api/keys/000${key.key_id}`).expect(200);
      expect(response.body).toEqual(key);
      await dropKey(target(), key);
    });

    it("lists all keys in ascending order, without deleted ones", async () => {
      const [one, two, three] = [
        await makeKey(target()),
        await makeKey(target(), { name: "" }),
        await makeKey(target()),
      ];
      await dropKey(target(), two);
      const ids = (await list()).map((key) => key.key_id);
      expect(ids.every((id, position) => id > (ids[position - 1] ?? 0))).toBe(true);
      expect(ids).toEqual(expect.arrayContaining([one.key_id, three.key_id]));
      expect(ids).not.toContain(two.key_id);
      expect(await list()).toContainEqual(one);
      await dropKey(target(), one);
      await dropKey(target(), three);
    });

    it("answers HEAD with the headers of GET and no body", async () => {
      const response = await call(target(), "head", "/api/keys").expect(200);
      expect(response.headers["content-type"]).toBe("application/json; charset=utf-8");
      expect(response.text ?? "").toBe("");
    });
  });

  describe("deleting a key", () => {
    it("answers once, and the key is 404 everywhere from then on", async () => {
      const { key_id } = await makeKey(target());
      const response = await call(target(), "delete", `/api/keys/${key_id}`).expect(200);
      expect(response.body).toEqual({ success: true, message: `Key ${key_id} deleted successfully` });

      const detail = `Key with id ${key_id} not found`;
      expect(answerOf(await call(target(), "delete", `/api/keys/${key_id}`))).toEqual(failure(404, detail));
      expect(answerOf(await call(target(), "get", `/api/keys/${key_id}`))).toEqual(failure(404, detail));
      expect(answerOf(await call(target(), "get", `/api/keys/${key_id}/link`))).toEqual(failure(404, detail));
      expect(answerOf(await call(target(), "get", `/api/keys/${key_id}/traffic`))).toEqual(failure(404, detail));
      expect(answerOf(await call(target(), "post", `/api/keys/${key_id}/traffic/reset`))).toEqual(failure(404, detail));
    });

    it("answers one of two at once 200 and the other 404", async () => {
      const { key_id } = await makeKey(target());
      const remove = () => call(target(), "delete", `/api/keys/${key_id}`);
      const [one, other] = await Promise.all([remove(), remove()]);
      expect(new Set([one.status, other.status])).toEqual(new Set([200, 404]));
    });
  });

  describe("linking a key", () => {
    it("answers a vless link with the key's uuid and encoded name", async () => {
      const key = await makeKey(target(), { name: "Иван #1 / a b" });
      const response = await call(target(), "get", `/api/keys/${key.key_id}/link`).expect(200);
      const { key_id, vless_link } = endpoints.getKeyLink.success.schema.parse(response.body);
      expect(key_id).toBe(key.key_id);
      expect(vless_link.startsWith(`vless://${key.uuid}@`)).toBe(true);
      expect(vless_link.split("#")[1]).toBe("%D0%98%D0%B2%D0%B0%D0%BD%20%231%20%2F%20a%20b");
      await dropKey(target(), key);
    });

    it("calls a key without a name key-<id>", async () => {
      const key = await makeKey(target());
      const response = await call(target(), "get", `/api/keys/${key.key_id}/link`).expect(200);
      const { vless_link } = endpoints.getKeyLink.success.schema.parse(response.body);
      expect(vless_link.split("#")[1]).toBe(`key-${key.key_id}`);
      await dropKey(target(), key);
    });

    it("draws what a key is used with, whatever it is called", async () => {
      const key = await makeKey(target(), { name: "😀".repeat(250) });
      const path = `/api/keys/${key.key_id}`;
      const { body: shown } = await call(target(), "get", path).expect(200);
      const { body: linked } = await call(target(), "get", `${path}/link`).expect(200);
      const { vless_link } = endpoints.getKeyLink.success.schema.parse(linked);
      const drawn = async (query: string) => {
        const png = await call(target(), "get", `${path}/qr.png${query}`).buffer(true).expect(200);
        expect(png.headers["content-type"]).toBe("image/png");
        return textOfQr(png.body as Buffer);
      };
      const { subscription_url } = endpoints.getKey.success.schema.parse(shown);
      expect(await drawn("")).toBe(subscription_url);
      expect(await drawn("?of=subscription")).toBe(subscription_url);
      expect(await drawn("?of=link")).toBe(vless_link.replace(/#.*/, `#key-${key.key_id}`));
      const svg = await call(target(), "get", `${path}/qr.svg`).buffer(true).expect(200);
      expect([svg.headers["content-type"], String(svg.body).slice(0, 5)]).toEqual([
        "image/svg+xml; charset=utf-8",
        "<svg ",
      ]);
      const detail = "of must be subscription or link";
      expect(answerOf(await call(target(), "get", `${path}/qr.svg?of=token`))).toEqual(failure(400, detail));
      await dropKey(target(), key);
    });

    it("answers all links of a key, the first of which is its link", async () => {
      const key = await makeKey(target(), { name: "phone" });
      const { body: one } = await call(target(), "get", `/api/keys/${key.key_id}/link`).expect(200);
      const { body: all } = await call(target(), "get", `/api/keys/${key.key_id}/links`).expect(200);
      const { key_id, links } = endpoints.getKeyLinks.success.schema.parse(all);
      expect(key_id).toBe(key.key_id);
      expect(links[0]).toMatchObject({ protocol: "vless", remark: "phone", link: one.vless_link });
      await dropKey(target(), key);
    });
  });
}

/** Reads a black and white picture as a camera does. */
function textOfQr(png: Buffer): string | undefined {
  const { width, data } = decode(png);
  const pixels = new Uint8ClampedArray(width * width * 4).map((_, index) => data[index >> 2] ?? 0);
  return jsQR.default(pixels, width, width)?.data;
}
