/**
 * Additions to Swagger UI's own styles: no column for links between operations, which we have none of, air between the
 * columns of headers, and on a phone each answer below its status, since the columns don't fit beside each other.
 */
export const SWAGGER_UI_STYLE = `
.swagger-ui .responses-table .response .response-col_links,
.swagger-ui .responses-table .responses-header .response-col_links { display: none; }
.swagger-ui .responses-inner .headers .header-col { padding: 4px 8px 4px 0; vertical-align: top; }
@media (max-width: 640px) {
  .swagger-ui .wrapper { padding: 0 12px; }
  .swagger-ui .responses-table > thead { display: none; }
  .swagger-ui .responses-table, .swagger-ui .responses-table > tbody, .swagger-ui .responses-table > tbody > .response,
  .swagger-ui .responses-table > tbody > .response > td:not(.response-col_links) { display: block; }
  .swagger-ui .responses-table .response-col_status { padding-top: 16px; font-weight: 700; }
  .swagger-ui .responses-table .response-col_description { padding-top: 4px; }
  .swagger-ui .response-controls { flex-wrap: wrap; gap: 8px; }
}
`;
