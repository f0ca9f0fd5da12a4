// Starts Swagger UI without an inline script, so that a strict content security policy can stay.
//
//   <div id="swagger-ui"></div>
//   <script src="swagger-ui-bundle.js" defer></script>
//   <script src="swagger-init.js" data-spec="openapi.json" defer></script>

const { spec } = document.currentScript.dataset;

window.ui = window.SwaggerUIBundle({
  url: spec,
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none", // a tag for each entity: closed, they are a table of contents
  defaultModelsExpandDepth: 0,
  persistAuthorization: true,
  validatorUrl: null, // the default asks a server on the internet
});
