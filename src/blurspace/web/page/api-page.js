// What can be asked of the server? As openapi.json says.

import { by, careful, make } from "./dom.js";
import { startTheme } from "./theme.js";

startTheme();
careful(async () => {
  const told = await (await fetch("/api/openapi.json")).json();
  for (const [path, ways] of Object.entries(told.paths)) {
    for (const [method, way] of Object.entries(ways)) {
      const fields = (way.parameters ?? []).map((one) => `${one.name} (${one.in})`).join(", ");
      const body = Object.entries(way.requestBody?.content ?? {})[0];
      const model = body?.[1].schema.$ref?.split("/").at(-1);
      const names = model ? Object.keys(told.components.schemas[model].properties).join(", ") : "";
      by("list").append(
        make("h2", {}, make("code", {}, `${method.toUpperCase()} ${path}`)), make("p", {}, way.description ?? ""),
        make("dl", {}, ...[["asks", fields], ["body", body && [body[0], names].filter(Boolean).join(": ")]]
          .filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      );
    }
  }
});
