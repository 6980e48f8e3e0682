import type { Subscription, SubscriptionKey } from "@veil/subscriptions";
import { describe, expect, it } from "vitest";
import { PAGE_POLICY } from "./page-assets.ts";
import { type PageOptions, renderPage } from "./render-page.ts";

const DAY = 86_400;
const NOW = Date.parse("2026-11-28T10:00:00Z") / 1_000;
const options: PageOptions = {
  ...{ language: "en", title: null, supportUrl: null, announce: null, timeZone: "UTC" },
  now: NOW,
};

function pageOf(key: Partial<SubscriptionKey> = {}, overrides: Partial<PageOptions> = {}): string {
  const subscription: Subscription = {
    key: {
      ...{ name: "Anna", status: "active", upload: 1, download: 2, trafficLimit: 100, expiresAt: null, holdFor: null },
      ...{ usage: [], url: "https://sub.example.com/sub/v7Kq2mZx9LbR4tYcW8sJhN3f012345678" },
      ...key,
    },
    connections: [],
    refusal: null,
  };
  return renderPage(subscription, { ...options, ...overrides });
}

describe("the page", () => {
  it("takes no text for markup, whoever wrote it", () => {
    const evil = `"'><img src=x onerror=alert(1)><!--`;
    const usage = [{ at: NOW, upload: 1, download: 1 }];
    const page = pageOf(
      { name: evil, url: `https://sub.example.com/${evil}`, usage },
      { title: evil, announce: evil, supportUrl: `https://t.me/${evil}` },
    );
    const plain = pageOf({ usage }, { title: "x", announce: "x", supportUrl: "https://t.me/x" });
    const tagsOf = (html: string) => html.match(/<[!/]?[a-z-]+/gi);
    // Its QR code alone is another one.
    expect(tagsOf(page)).toEqual(tagsOf(plain));
    expect(page).toContain("&lt;img src=x onerror=alert(1)&gt;&lt;!--</h1>");
  });

  it.each([
    [{}, "", "3 byte", "97 byte left"],
    [{ download: 79 }, "warn", "80 byte", "20 byte left"],
    [{ download: 94 }, "full", "95 byte", "5 byte left"],
    [{ download: 500 }, "full", "501 byte", "0 left"],
  ] as const)("says how much of the limit is used: %j", (key, look, used, left) => {
    const page = pageOf(key).replaceAll("\u00A0", " ");
    expect(page).toContain(`<p class="big">${used} <small>/ 100 byte</small></p>\n<progress class="${look}" max="100"`);
    expect(page).toContain(`<p class="soft">${left}</p>`);
  });

  it.each([
    [{ expiresAt: NOW + 3 * DAY - 1 }, "3 days", "Until 1 December 2026"],
    [{ expiresAt: NOW + 1 }, "Less than an hour", "Until 28 November 2026"],
    [{ expiresAt: NOW }, "Ended", "28 November 2026"],
    [{ holdFor: 30 * DAY, status: "on_hold" }, "30 days", "Starts with the first connection"],
    [{}, "∞", "No end date"],
  ] as const)("says how long it lasts: %j", (key, big, soft) => {
    expect(pageOf(key)).toContain(`<p class="big">${big}</p><p class="soft">${soft}</p>`);
  });

  it("is found by no search engine, and draws download below upload", () => {
    const page = pageOf({ usage: [{ at: NOW, upload: 25, download: 50 }] });
    expect(page).toContain('<meta name="robots" content="noindex">');
    expect(page).toMatch(
      /<rect class="download" x="291.5" y="37.5" width="7" height="62.5"\/><rect class="upload" x="291.5" y="6.25" width="7" height="31.25"\/>/,
    );
  });

  it("may do nothing in a browser but what it brings", () => {
    const hash = "'sha256-[A-Za-z0-9+/]{43}='";
    expect(PAGE_POLICY).toMatch(
      new RegExp(
        `^default-src 'none'; style-src ${hash}; script-src ${hash}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$`,
      ),
    );
  });
});
