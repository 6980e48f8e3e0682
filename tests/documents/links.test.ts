import { access, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

test.each(trackedFiles("*.md"))(
  "every link of %s leads to a file, and to a heading that is there",
  async (document) => {
    const text = await readFile(join(repoRoot, document), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? join(repoRoot, document) : join(repoRoot, dirname(document), path);
      await expect(access(file), target).resolves.toBeUndefined();
      if (anchor !== undefined) expect(headingsOf(await readFile(file, "utf8")), target).toContain(anchor);
    }
  },
);

/** Anchors as GitHub makes them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
