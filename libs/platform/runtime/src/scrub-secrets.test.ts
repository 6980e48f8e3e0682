import { describe, expect, it } from "vitest";
import { scrubLogLine, scrubSecrets } from "./scrub-secrets.ts";

const UUID = "2f0d5e0c-6a3b-4f44-9a8e-1f2d3c4b5a69";
const TOKEN = "v7Kq2mZx9LbR4tYcW8sJhN3f012345678";
const X25519 = "yBaw532IIUNuQWDTncozoBaLJmcd1JZzvsHUgVPxMk8";

describe("scrubSecrets", () => {
  it.each([
    ["a share link", `got vless://${UUID}@vpn.example:443?pbk=x#my%20phone today`, "got vless://[redacted] today"],
    ["a link in quotes", `{"l":"vless://${UUID}@h"}`, '{"l":"vless://[redacted]"}'],
    ["a link of another protocol", "trojan://pw@h:1 ss://bWV0:aA@h", "trojan://[redacted] ss://[redacted]"],
    ["a password in a URL", "connect redis://:p4ss@cache:6379/0", "connect redis://[redacted]@cache:6379/0"],
    ["a user with a password", "mongodb://veil:p4ss@a,b:27017/veil", "mongodb://[redacted]@a,b:27017/veil"],
    ["a password with @ and /", "mongodb://veil:p@ss/w@rd@a:27017/veil", "mongodb://[redacted]@a:27017/veil"],
    ["a bearer token", "Authorization: Bearer abc.DEF-123=", "Authorization: Bearer [redacted]"],
    ["a key's UUID in a path", `GET /api/keys/${UUID}/link`, "GET /api/keys/[redacted]/link"],
    [
      "a subscription's address",
      `GET https://s.example/sub/${TOKEN}/info?x=1`,
      "GET https://s.example/sub/[redacted]/info?x=1",
    ],
    ["one that is encoded or mistyped", `//SUB//%61b%zz "/sub/short"`, `//SUB//[redacted] "/sub/[redacted]"`],
    ["a subscription's token by itself", `key ${TOKEN}, rest`, "key [redacted], rest"],
    ["a named value", "API_SECRET_KEY=abcdef, rest", "API_SECRET_KEY=[redacted], rest"],
    ["a password in a query", "/x?user=a&password=p4ss&b=1", "/x?user=a&password=[redacted]&b=1"],
    ["a private key in JSON", `{"privateKey": "${X25519}"}`, '{"privateKey": "[redacted]"}'],
    ["a private key as xray prints it", `Private key: ${X25519}\nPublic`, "Private key: [redacted]\nPublic"],
    [
      "an escaped private key",
      `bad config {\\"privateKey\\":\\"${X25519}\\"}`,
      'bad config {\\"privateKey\\":\\"[redacted]\\"}',
    ],
    [
      "a PEM private key",
      "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\nafter",
      "[redacted]\nafter",
    ],
  ])("takes out %s", (_, text, scrubbed) => expect(scrubSecrets(text)).toBe(scrubbed));

  it.each([
    "/sub/{token}/{format} and /sub/:token",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "redis://127.0.0.1:6379/0",
    "mongodb://a:27017,b:27017/veil",
    "http://127.0.0.1:8000/api/keys/12",
    "rediss://cache.example",
    "API_SECRET_KEY must have at least 32 characters",
    `request ${UUID} done`,
    "uplink 12 downlink 13",
    '{"url":"http://h:8000","email":"7@veil"}',
  ])("leaves alone: %s", (text) => expect(scrubSecrets(text)).toBe(text));
});

describe("scrubLogLine", () => {
  it("redacts fields by name at any depth, whatever their type", () => {
    const data = {
      key_id: 7,
      uuid: UUID,
      uplink: 5,
      job: { data: { uuid: UUID, API_SECRET_KEYS: ["a", "b"], "X-Api-Key": 1, "set-cookie": { a: 1 } } },
      users: [{ privateKey: X25519, ADMIN_PASSWORD: "x", vless_link: "l", access_token: null }],
    };
    expect(JSON.parse(scrubLogLine(JSON.stringify(data)))).toEqual({
      key_id: 7,
      uuid: "[redacted]",
      uplink: 5,
      job: {
        data: {
          uuid: "[redacted]",
          API_SECRET_KEYS: "[redacted]",
          "X-Api-Key": "[redacted]",
          "set-cookie": "[redacted]",
        },
      },
      users: [
        {
          privateKey: "[redacted]",
          ADMIN_PASSWORD: "[redacted]",
          vless_link: "[redacted]",
          access_token: "[redacted]",
        },
      ],
    });
  });

  it("leaves a line without anything suspicious as it is", () => {
    const line = '{"msg":"key created","key_id":7,"big":9007199254740993}\n';
    expect(scrubLogLine(line)).toBe(line);
  });

  it("sees through the escapes of JSON", () => {
    const line = `${JSON.stringify({ msg: 'redis://:a"b\\c@host is down' })}\n`;
    const scrubbed = scrubLogLine(line);
    expect(scrubbed).toBe(`${JSON.stringify({ msg: "redis://[redacted]@host is down" })}\n`);
  });

  it("scrubs a line that is not JSON as text", () => {
    expect(scrubLogLine("vless://abc")).toBe("vless://[redacted]");
  });
});
