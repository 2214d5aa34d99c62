// The reference of the HTTP API, built from /openapi.json.

import { get } from "./api.js";
import { h } from "./dom.js";

const main = document.getElementById("main");
const EXAMPLES = {
  "/api/predict": "curl -F image=@coat.png -F recipe=photo http://127.0.0.1:8000/api/predict",
  "/api/photo": "curl -F image=@coat.jpg -F steps=trim,resize,centre,invert http://127.0.0.1:8000/api/photo",
  "/api/explain":
    'curl -H \'content-type: application/json\' -d \'{"example": {"split": "test", "index": 0}}\' http://127.0.0.1:8000/api/explain',
};

try {
  const { info, paths, components } = await get("/openapi.json");
  const named = (schema) => schema?.$ref?.split("/").pop();
  const kind = (schema) =>
    named(schema) ??
    schema?.const ??
    (schema?.enum?.join(" | ") || (schema?.anyOf ?? schema?.oneOf)?.map(kind).join(" or ")) ??
    (schema?.type === "array"
      ? `list of ${kind(schema.items ?? {}) || "values"}`
      : schema?.format === "binary"
        ? "file"
        : (schema?.type ?? ""));
  const fields = (schema) => {
    const whole = components.schemas[named(schema)] ?? schema ?? {};
    const list = Object.entries(whole.properties ?? {});
    return list.length
      ? h(
          "div",
          { class: "scroll", tabindex: 0, role: "region", "aria-label": "Fields" },
          h(
            "table",
            {},
            h(
              "tbody",
              {},
              list.map(([name, each]) =>
                h(
                  "tr",
                  {},
                  h(
                    "th",
                    { scope: "row" },
                    h("code", {}, name),
                    whole.required?.includes(name) ? "" : h("span", { class: "soft small" }, " optional"),
                  ),
                  h("td", { class: "soft" }, String(kind(each))),
                  h("td", {}, each.description ?? ""),
                ),
              ),
            ),
          ),
        )
      : null;
  };
  main.replaceChildren(
    h(
      "p",
      { class: "prose" },
      `Version ${info.version}. Every error is a problem document (RFC 9457, application/problem+json) whose detail says what is wrong and how to fix it. A server that listens beyond localhost requires its access token in the header `,
      h("code", {}, "Authorization: Bearer …"),
      ".",
    ),
    ...Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, each]) =>
        h(
          "section",
          { class: "place" },
          h("h2", {}, each.summary),
          h("p", {}, h("span", { class: "method" }, method.toUpperCase()), h("span", { class: "path" }, path)),
          each.description && h("p", { class: "prose" }, each.description),
          each.parameters && [
            h("h3", {}, "Parameters"),
            h(
              "div",
              { class: "scroll", tabindex: 0, role: "region", "aria-label": "Parameters" },
              h(
                "table",
                {},
                h(
                  "tbody",
                  {},
                  each.parameters.map((one) =>
                    h(
                      "tr",
                      {},
                      h("th", { scope: "row" }, h("code", {}, one.name)),
                      h("td", { class: "soft" }, `${one.in}, ${kind(one.schema)}`),
                      h("td", {}, one.description ?? ""),
                    ),
                  ),
                ),
              ),
            ),
          ],
          Object.entries(each.requestBody?.content ?? {}).map(([type, { schema }]) => [
            h("h3", {}, `Request body: ${type}`),
            fields(schema),
          ]),
          h("h3", {}, "Responses"),
          h(
            "div",
            { class: "scroll", tabindex: 0, role: "region", "aria-label": "Responses" },
            h(
              "table",
              {},
              h(
                "tbody",
                {},
                Object.entries(each.responses).map(([status, answer]) =>
                  h(
                    "tr",
                    {},
                    h("th", { scope: "row" }, status),
                    h(
                      "td",
                      {},
                      status === "200"
                        ? [
                            Object.keys(answer.content ?? {}).join(", "),
                            " ",
                            h("code", {}, kind(Object.values(answer.content ?? {})[0]?.schema ?? {})),
                          ]
                        : answer.description,
                    ),
                  ),
                ),
              ),
            ),
          ),
          EXAMPLES[path] && h("pre", { tabindex: 0 }, EXAMPLES[path]),
        ),
      ),
    ),
  );
} catch (error) {
  main.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
}
