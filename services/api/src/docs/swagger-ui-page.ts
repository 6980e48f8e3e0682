import type { PageReply } from "../http/reply.ts";
import { docsAssetPath } from "./docs-assets.ts";

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Veil Xray API – Swagger UI</title>
<link rel="icon" type="image/png" href="${docsAssetPath("favicon-32x32.png")}">
<link rel="stylesheet" href="${docsAssetPath("swagger-ui.css")}">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>Swagger UI needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="${docsAssetPath("swagger-ui-bundle.js")}"></script>
<script src="${docsAssetPath("start-swagger-ui.js")}"></script>
</body>
</html>
`;

/** No outside host, no inline script; the page may call the API that served it. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(";");

export const swaggerUiPage: PageReply = { kind: "page", html, headers: { "Content-Security-Policy": policy } };
