import { generateKeyPairSync } from "node:crypto";

/** The text of a config that Xray accepts, with comments, and with a VLESS inbound `vless-in` that has one client. */
export function ownXrayConfig(): string {
  const { privateKey } = generateKeyPairSync("x25519");
  return `{
  // written by hand
  "log": { "loglevel": "warning", "access": "none" },
  "inbounds": [
    {
      "tag": "vless-in",
      "listen": "127.0.0.1",
      "port": 443,
      "protocol": "vless",
      "settings": {
        "clients": [
          { "id": "3c4a2a55-6a3f-4bb5-9c9d-0d6c1d8d8a11", "email": "admin@home" } # not ours
        ],
        "decryption": "none"
      },
      "streamSettings": {
        "network": "raw",
        "security": "reality",
        "realitySettings": {
          "target": "127.0.0.1:1",
          "serverNames": ["decoy.test"],
          "privateKey": "${privateKey.export({ format: "jwk" }).d}",
          "shortIds": ["0123456789abcdef"]
        }
      }
    }
  ],
  "outbounds": [{ "tag": "direct", "protocol": "freedom" }]
}
`;
}
