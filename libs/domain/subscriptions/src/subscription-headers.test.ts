import { validateHeaderValue } from "node:http";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exampleSubscription } from "../test/example-subscription.ts";
import { type HeaderSettings, subscriptionHeaders } from "./subscription-headers.ts";

const settings: HeaderSettings = {
  language: "en",
  title: null,
  updateIntervalHours: 12,
  supportUrl: null,
  pageUrl: null,
  announce: null,
};

function headersOf(name: string, overrides: Partial<HeaderSettings> = {}): Record<string, string> {
  return subscriptionHeaders(exampleSubscription({ name }), { ...settings, ...overrides });
}

/** As apps read it. */
function textOf(header = ""): string {
  return header.startsWith("base64:") ? Buffer.from(header.slice(7), "base64").toString() : header;
}

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.nat(300).map((length) => "🛡".repeat(length)),
  fc
    .array(fc.constantFrom("\r\n", "\0", '"', "\\", "%", "/", "é", "👨‍👩‍👧‍👦", "\uD800", "a", " "))
    .map((parts) => parts.join("")),
);

describe("subscriptionHeaders", () => {
  it("says what apps read, in the forms that they read", () => {
    expect(headersOf("Anna", { supportUrl: "https://t.me/support", announce: "News" })).toEqual({
      "subscription-userinfo": "upload=1; download=2; total=3; expire=4",
      "profile-title": "Anna",
      "profile-update-interval": "12",
      "content-disposition": `attachment; filename="Anna"; filename*=UTF-8''Anna`,
      "support-url": "https://t.me/support",
      "profile-web-page-url": "https://sub.example.com/sub/v7Kq2mZx9LbR4tYcW8sJhN3f",
      announce: "News",
    });
  });

  it("says 0 for no limit and no end, and whole numbers without an exponent", () => {
    const headers = subscriptionHeaders(
      exampleSubscription({ upload: 1.9, download: 2e21, trafficLimit: null, expiresAt: null }),
      settings,
    );
    expect(headers["subscription-userinfo"]).toBe("upload=1; download=9007199254740991; total=0; expire=0");
  });

  it("takes any name", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        const headers = headersOf(name, { title: null, announce: name });
        for (const [header, value] of Object.entries(headers)) {
          expect(() => validateHeaderValue(header, value)).not.toThrow();
          expect(value).toMatch(/^[\x20-\x7E]*$/);
        }
        expect(Array.from(textOf(headers["profile-title"])).length).toBeLessThanOrEqual(25);
        expect(Array.from(textOf(headers["announce"])).length).toBeLessThanOrEqual(200);
        const wellFormed = name.replace(/\p{Surrogate}/gu, "\uFFFD");
        expect(wellFormed.startsWith(textOf(headers["profile-title"]))).toBe(true);
        const [, encoded = ""] =
          /^attachment; filename="[^"\\/%]+"; filename\*=UTF-8''([A-Za-z0-9%._~-]*)$/.exec(
            headers["content-disposition"] ?? "",
          ) ?? [];
        const isNamed = name !== "";
        expect([encoded !== "", textOf(headers["profile-title"]) !== ""]).toEqual([isNamed, isNamed]);
        expect(Buffer.byteLength(decodeURIComponent(encoded))).toBeLessThanOrEqual(255);
      }),
    );
  });

  it("cuts no character in two", () => {
    expect(textOf(headersOf(`${"a".repeat(22)}👨‍👩‍👧‍👦`)["profile-title"])).toBe("a".repeat(22));
    const marked = `e${"\u0301".repeat(100)}`;
    expect(textOf(headersOf(marked)["profile-title"])).toBe(marked.slice(0, 25));
    expect(textOf(headersOf("base64:abc")["profile-title"])).toBe("base64:abc");
    expect(headersOf("base64:abc")["profile-title"]).not.toBe("base64:abc");
  });

  it("names a file for whoever reads only ASCII", () => {
    expect(headersOf("Ключ")["content-disposition"]).toBe(
      `attachment; filename="subscription"; filename*=UTF-8''%D0%9A%D0%BB%D1%8E%D1%87`,
    );
    expect(headersOf(`a/b\\c"d`)["content-disposition"]).toBe(
      `attachment; filename="a_b_c_d"; filename*=UTF-8''a_b_c%22d`,
    );
  });

  it("calls every subscription by the installation's title", () => {
    const headers = headersOf("Anna", { title: "Northern VPN", pageUrl: "https://пример.example/я" });
    expect(headers["profile-title"]).toBe("Northern VPN");
    expect(headers["content-disposition"]).toContain('filename="Northern VPN"');
    expect(headers["profile-web-page-url"]).toBe("https://xn--e1afmkfd.example/%D1%8F");
  });

  it.each(["javascript:alert(1)", "no address", "data:,a"])("leaves out the support address %j", (supportUrl) => {
    expect(headersOf("a", { supportUrl })).not.toHaveProperty("support-url");
  });

  it("says what is wrong before what an installation announces", () => {
    const limited = exampleSubscription({ status: "limited" });
    const headers = subscriptionHeaders(limited, { ...settings, announce: "News", language: "ru" });
    expect(textOf(headers["announce"])).toBe("⛔ Трафик закончился");
  });

  it("tells apps about a device limit in the headers that they know", () => {
    const refused = (refusal: "device_limit" | "device_id_missing") =>
      subscriptionHeaders(exampleSubscription({}, { refusal }), settings);
    expect(refused("device_limit")).toMatchObject({ "x-hwid-limit": "true" });
    expect(refused("device_id_missing")).toMatchObject({ "x-hwid-not-supported": "true" });
    expect(Object.keys(headersOf("a")).filter((name) => name.startsWith("x-"))).toEqual([]);
  });
});
