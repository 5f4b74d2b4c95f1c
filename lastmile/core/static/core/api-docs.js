// The API documentation page: Swagger UI from our own host, without inline scripts.
const root = document.getElementById("swagger");
window.SwaggerUIBundle({
  url: root.dataset.schema,
  domNode: root,
  deepLinking: true,
  displayRequestDuration: true,
  requestInterceptor(request) {
    const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]+)/);
    if (token) request.headers["X-CSRFToken"] = token[1];
    return request;
  },
});
