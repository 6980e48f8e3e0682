import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { repoRoot, trackedFiles } from "./tracked-files.ts";

test.each(trackedFiles("*.md"))(
  "every link of %s leads to a file, and to a heading that is there",
  async (document) => {
    const text = await readFile(join(repoRoot, document), "utf8");
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const inside = targets.filter((target) => !/^https?:/.test(target));
    const isThere = await Promise.all(inside.map((target) => leadsSomewhere(target, document)));
    expect(inside.filter((_, index) => !isThere[index])).toEqual([]);
  },
);

async function leadsSomewhere(target: string, document: string): Promise<boolean> {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? document : join(dirname(document), path);
  if (anchor === undefined) return trackedFiles(file).length > 0;
  return headingsOf(await readFile(join(repoRoot, file), "utf8")).includes(anchor);
}

/** Anchors as GitHub makes them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
