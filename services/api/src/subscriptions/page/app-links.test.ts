import { expect, it } from "vitest";
import { appLinks } from "./app-links.ts";

const URL_TEXT = "https://sub.example.com/vpn/sub/v7Kq2mZx9LbR4tYcW8sJhN3f012345678";
const ENCODED = encodeURIComponent(URL_TEXT);

it("opens each app with the address as it takes it, and with the format that it reads", () => {
  expect(Object.fromEntries(appLinks(URL_TEXT, `Аня #1 & "co"\uD800`).map(({ name, href }) => [name, href]))).toEqual({
    Happ: `happ://add/${URL_TEXT}`,
    Hiddify: `hiddify://import/${URL_TEXT}#%D0%90%D0%BD%D1%8F%20%231%20%26%20%22co%22%EF%BF%BD`,
    v2rayNG: `v2rayng://install-sub?url=${ENCODED}&name=%D0%90%D0%BD%D1%8F%20%231%20%26%20%22co%22%EF%BF%BD`,
    "Clash Verge, FlClash": `clash://install-config?url=${ENCODED}%2Fmihomo&name=%D0%90%D0%BD%D1%8F%20%231%20%26%20%22co%22%EF%BF%BD`,
    "sing-box": `sing-box://import-remote-profile?url=${ENCODED}%2Fsing-box#%D0%90%D0%BD%D1%8F%20%231%20%26%20%22co%22%EF%BF%BD`,
    Karing: `karing://install-config?url=${ENCODED}&name=%D0%90%D0%BD%D1%8F%20%231%20%26%20%22co%22%EF%BF%BD`,
  });
});
