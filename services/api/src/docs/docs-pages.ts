import type { PageReply } from "../reply/reply.ts";
import { type AssetName, docsAssetPath } from "./docs-assets.ts";

interface DocsPage {
  readonly title: string;
  /** The element that the page's scripts fill. */
  readonly element: string;
  readonly stylesheet: AssetName;
  /** In the order in which they run. */
  readonly scripts: readonly AssetName[];
  /** The page's needs beyond scripts, styles and images of this host, as directives. */
  readonly allows: readonly string[];
}

export const swaggerUiPage = docsPage({
  title: "Swagger UI",
  element: "swagger-ui",
  stylesheet: "swagger-ui.css",
  scripts: ["swagger-ui-bundle.js", "start-swagger-ui.js"],
  allows: [],
});

/** ReDoc searches in a worker made from a blob. */
export const redocPage = docsPage({
  title: "ReDoc",
  element: "redoc",
  stylesheet: "redoc-page.css",
  scripts: ["redoc.standalone.js", "start-redoc.js"],
  allows: ["worker-src blob:"],
});

/** No outside host, no inline script. Both write styles into the page, and may call the API that served them. */
function docsPage({ title, element, stylesheet, scripts, allows }: DocsPage): PageReply {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    // Swagger UI shows a QR code that was tried out from memory.
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    ...allows,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Veil Xray API – ${title}</title>
<link rel="icon" type="image/png" href="${docsAssetPath("favicon-32x32.png")}">
<link rel="stylesheet" href="${docsAssetPath(stylesheet)}">
</head>
<body>
<div id="${element}"></div>
<noscript>${title} needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
${scripts.map((name) => `<script src="${docsAssetPath(name)}"></script>`).join("\n")}
</body>
</html>
`;
  return { kind: "page", html, headers: { "Content-Security-Policy": policy.join(";") } };
}
