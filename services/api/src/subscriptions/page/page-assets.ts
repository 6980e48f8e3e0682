import { createHash } from "node:crypto";
import { PAGE_STYLE } from "./page-style.ts";

/** Copies the link. On a page that came over plain HTTP browsers have no clipboard, but for what is selected. */
export const PAGE_SCRIPT = `
const button = document.getElementById("copy");
const field = document.getElementById("link");
button.hidden = false;
button.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select();
    document.execCommand("copy");
  }
  const label = button.textContent;
  if (label === button.dataset.done) return;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 2000);
});
`;

/** The policy for browsers: the page's own style and script, named by their hashes, and nothing from elsewhere. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(PAGE_STYLE)}'`,
  `script-src '${hashOf(PAGE_SCRIPT)}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
