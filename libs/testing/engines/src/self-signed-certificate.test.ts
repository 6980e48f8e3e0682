import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { selfSignedCertificate } from "./tls-decoy.ts";

test("a self-signed certificate names its server, is signed by its own key and is valid now", async () => {
  const { certificate, privateKey } = await selfSignedCertificate("www.example.com", new Date("2026-03-01T12:00:00Z"));
  const parsed = new X509Certificate(certificate);
  expect(parsed.checkHost("www.example.com")).toBe("www.example.com");
  expect(parsed.subject).toBe("CN=www.example.com");
  expect(parsed.issuer).toBe(parsed.subject);
  expect(parsed.verify(parsed.publicKey)).toBe(true);
  expect(parsed.validFrom).toBe("Feb 28 12:00:00 2026 GMT");
  expect(parsed.validTo).toBe("Feb 27 12:00:00 2036 GMT");
  expect(privateKey).toContain("BEGIN PRIVATE KEY");
});

test("a name that makes its structures longer than 127 bytes is written all the same", async () => {
  const name = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.example.com`;
  const parsed = new X509Certificate((await selfSignedCertificate(name)).certificate);
  expect(parsed.checkHost(name)).toBe(name);
});
