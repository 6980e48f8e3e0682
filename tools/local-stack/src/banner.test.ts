import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { banner } from "./banner.ts";

const facts = {
  url: "http://127.0.0.1:8000",
  apiKeyFile: "/home/me/veil/.veil/api-key",
  metrics: [{ service: "api", url: "http://127.0.0.1:9100/metrics" }],
  prometheusTargetsFile: "/data/prometheus-targets.json",
  logDirectory: "/home/me/veil/.veil/logs",
  hasDocs: true,
  secondsToReady: 3.21,
};

test("the banner names every address and the file of the key", () => {
  const text = banner(facts);
  for (const part of [
    "http://127.0.0.1:8000/docs",
    "http://127.0.0.1:9100/metrics",
    facts.apiKeyFile,
    "3.2 s",
    facts.prometheusTargetsFile,
  ]) {
    expect(text).toContain(part);
  }
});

test("the banner names no page of documentation that is not served", () => {
  expect(banner({ ...facts, hasDocs: false })).not.toContain("Docs");
});

test("its curl, pasted into a shell, sends the key from a file whose path holds a space and a quote", () => {
  const directory = mkdtempSync(join(tmpdir(), "veil o'banner "));
  try {
    const apiKeyFile = join(directory, "api-key");
    writeFileSync(apiKeyFile, "the-key\n");
    const command = banner({ ...facts, apiKeyFile })
      .split("\n")
      .find((line) => line.includes("curl"));
    const shown = execFileSync("sh", [
      "-c",
      `curl() { for one in "$@"; do echo "[$one]"; done; }\n${command}`,
    ]).toString();
    expect(shown).toContain("[Authorization: Bearer the-key]");
    expect(shown).toContain('[{"name":"first key"}]');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
