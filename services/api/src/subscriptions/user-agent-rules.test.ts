import { chooseFormat, type UserAgentRule } from "@veil/subscriptions";
import { expect, it } from "vitest";
import { userAgentRules } from "./user-agent-rules.ts";

it("reads rules that decide", () => {
  const rules: UserAgentRule[] = userAgentRules.parse('[{"prefix":"Happ/","format":"xray"}]');
  expect(chooseFormat({ path: null, query: null, accept: null, userAgent: "happ/3.7" }, rules)).toBe("xray");
});

it.each([
  "",
  "{}",
  '["Happ/"]',
  '[{"prefix":"","format":"xray"}]',
  '[{"prefix":"Happ/","format":"clash"}]',
  '[{"prefix":"Happ/","format":"toString"}]',
  '[{"pattern":"^Happ/","format":"xray"}]',
])("refuses %j", (text) => expect(userAgentRules.safeParse(text).success).toBe(false));
