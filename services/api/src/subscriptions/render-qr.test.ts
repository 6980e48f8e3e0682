import { decode } from "fast-png";
import jsQR from "jsqr";
import { describe, expect, it } from "vitest";
import { renderQr } from "./render-qr.ts";

const LINK = `vless://66ad4540-b58c-4ad2-9926-ea63445a9b57@vpn.example.com:443?encryption=none#${"%D0%96".repeat(100)}`;

/** Reads a square picture of gray values, of which 0 is black. */
function read(gray: ArrayLike<number>, side: number): string | undefined {
  const pixels = new Uint8ClampedArray(side * side * 4).map((_, index) =>
    index % 4 === 3 ? 255 : (gray[index >> 2] ?? 0),
  );
  return jsQR.default(pixels, side, side)?.data;
}

describe("renderQr", () => {
  it.each([
    "https://sub.example.com/sub/v7Kq2mZx9LbR4tYcW8sJhN3f",
    LINK,
    "Ключ 🛡️",
    `${LINK}${"%E5%BC%A0".repeat(250)}`,
  ])("makes a PNG of %s", (text) => {
    const { width, data } = decode(renderQr(text, "png"));
    expect(read(data, width)).toBe(text);
  });

  it.each(["https://sub.example.com/sub/v7Kq2mZx9LbR4tYcW8sJhN3f", LINK])(
    "makes the same modules in SVG of %s",
    (text) => {
      const svg = renderQr(text, "svg");
      const modules = Number(/viewBox="0 0 (\d+) \1"/.exec(svg)?.[1]);
      const side = modules * 4;
      const gray = new Uint8Array(side * side).fill(255);
      for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
        for (let row = Number(y) * 4; row < Number(y) * 4 + 4; row += 1) {
          gray.fill(0, row * side + Number(x) * 4, row * side + (Number(x) + Number(length)) * 4);
        }
      }
      expect(read(gray, side)).toBe(text);
    },
  );

  it("refuses what no QR code holds", () => {
    expect(() => renderQr("a".repeat(2_954), "png")).toThrow();
  });
});
