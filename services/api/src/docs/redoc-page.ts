import type { PageReply } from "../http/reply.ts";
import { docsAssetPath } from "./docs-assets.ts";

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Veil Xray API – ReDoc</title>
<link rel="icon" type="image/png" href="${docsAssetPath("favicon-32x32.png")}">
<link rel="stylesheet" href="${docsAssetPath("redoc-page.css")}">
</head>
<body>
<div id="redoc"></div>
<noscript>ReDoc needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="${docsAssetPath("redoc.standalone.js")}"></script>
<script src="${docsAssetPath("start-redoc.js")}"></script>
</body>
</html>
`;

/** ReDoc writes its styles into the page and searches in a worker made from a blob. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "worker-src blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(";");

export const redocPage: PageReply = { kind: "page", html, headers: { "Content-Security-Policy": policy } };
