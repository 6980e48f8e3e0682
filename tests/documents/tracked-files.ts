import { execFileSync } from "node:child_process";

export const repoRoot = new URL("../../", import.meta.url).pathname;

/** The files of the repository that git knows, by a pathspec of git. */
export function trackedFiles(pathspec: string): string[] {
  const listed = execFileSync("git", ["ls-files", pathspec], { cwd: repoRoot, encoding: "utf8" });
  return listed.split("\n").filter((file) => file !== "");
}
