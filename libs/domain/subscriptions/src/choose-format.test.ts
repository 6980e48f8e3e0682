import { describe, expect, it } from "vitest";
import { chooseFormat, type UserAgentRule } from "./choose-format.ts";

const nothing = { path: null, query: null, accept: null, userAgent: null };
const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

/** As the apps' sources write them, with a version and a system filled in. */
const userAgents = {
  base64: [
    "v2rayNG/1.10.2",
    "v2rayN/7.10.0",
    "HiddifyNext/2.5.7 (android) like ClashMeta v2ray sing-box",
    "Hiddify/4.0.0 (ios) like ClashMeta v2ray sing-box",
    "NekoBox/Android/1.3.4 (Prefer ClashMeta Format)",
    "INCY/1.0.3/ios",
    "Happ/3.7.1",
    "Streisand/1.6.34 CFNetwork/1490.0.4 Darwin/23.2.0",
    "V2Box/9.1.0;IOS 17.2",
    "ktor-client",
    "Throne/1.0.8 (Prefer ClashMeta Format)",
    "curl/8.9.1",
    "",
  ],
  mihomo: [
    "clash.meta/1.19.27",
    "clash-verge/v2.2.3",
    "FlClash/v0.8.80 clash-verge Platform/android",
    "mihomo/1.19.27",
    "ClashMeta/2.11.1; mihomo/1.19.0",
    "ClashX Meta/1.4.1 (com.metacubex.ClashX.meta; build:600)",
    "clash-nyanpasu/v2.0.0",
    "Flowvy/1.0.0",
    "Murge/1.0",
    "prizrak-box/1.2.0",
    "koala-clash/1.0.0",
    "Stash/2.7.1 Clash/1.9.0",
  ],
  "sing-box": [
    "SFA/1.11.15 (475; sing-box 1.11.15; language en_US)",
    "SFI/1.11.4 (Build 1; sing-box 1.11.4; language ru)",
    "SFM/1.12.0 (Build 3; sing-box 1.12.0; language en)",
    "SFT/1.12.0 (Build 3; sing-box 1.12.0; language en)",
    "Karing/1.1.2.606",
    "sing-box 1.13.0",
    "singbox/1.0",
  ],
} as const;

describe("chooseFormat", () => {
  it.each(Object.entries(userAgents).flatMap(([format, texts]) => texts.map((text) => [text, format] as const)))(
    "gives %j %s",
    (userAgent, format) => {
      expect(chooseFormat({ ...nothing, userAgent, accept: "*/*" })).toBe(format);
      expect(chooseFormat({ ...nothing, userAgent: userAgent.toUpperCase() })).toBe(format);
    },
  );

  it("takes the address's word before a browser's, and the path's before the query's", () => {
    expect(chooseFormat({ ...nothing, accept: BROWSER, query: "xray", path: "plain" })).toBe("plain");
    expect(chooseFormat({ ...nothing, accept: BROWSER, query: "xray" })).toBe("xray");
    expect(chooseFormat({ ...nothing, accept: BROWSER, userAgent: "clash.meta" })).toBe("page");
    expect(chooseFormat({ ...nothing, accept: "TEXT/HTML" })).toBe("page");
  });

  it.each(["*/*", "", "text/*", "application/json", "text/html;q=0", "text/html; Q=0.000, */*", "atext/html"])(
    "shows no page to whoever accepts %j",
    (accept) => expect(chooseFormat({ ...nothing, accept })).toBe("base64"),
  );

  it.each(["", "clash", "Base64", "base64 ", "page", "info", "toString", "__proto__", "sing_box"])(
    "knows no format %j",
    (name) => {
      expect(chooseFormat({ ...nothing, path: name })).toBeNull();
      expect(chooseFormat({ ...nothing, query: name, accept: BROWSER })).toBeNull();
    },
  );

  it("asks an installation's rules first, in their order, and takes a prefix for no expression", () => {
    const rules: UserAgentRule[] = [
      { prefix: "Happ/", format: "xray" },
      { prefix: "clash-verge", format: "base64" },
      { prefix: "clash-verge/v2", format: "plain" },
      { prefix: ".*", format: "plain" },
    ];
    const of = (userAgent: string) => chooseFormat({ ...nothing, userAgent }, rules);
    expect([of("happ/3.7"), of("clash-verge/v2.2.3"), of("clash.meta/1"), of("curl")]).toEqual([
      "xray",
      "base64",
      "mihomo",
      "base64",
    ]);
  });
});
