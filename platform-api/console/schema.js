// What the published JSON Schema of a claim says about its fields. Only what a form needs: the API checks everything.

/** The types that a field may have, without `null`: leaving it out means the same. */
const typesOf = (field) => [field.type ?? []].flat().filter((type) => type !== "null");

/** `text`, `choice`, `moment` or `map`. */
export function kindOf(field) {
  if (field.enum) return "choice";
  if (typesOf(field).includes("object")) return "map";
  return field.format === "date-time" ? "moment" : "text";
}

/** The values to choose from. */
export const choicesOf = (field) => field.enum.filter((value) => value !== null);

/** The forms that a value of a map may have: one that is a text, and one with fields of its own. */
export function formsOf(map) {
  const forms = map.additionalProperties.anyOf ?? [map.additionalProperties];
  return {
    text: forms.find((form) => typesOf(form).includes("string")),
    object: forms.find((form) => typesOf(form).includes("object")),
  };
}

/** The fields that the schema's conditions forbid or demand for a claim as it is filled in so far. */
export function conditions(schema, claim) {
  const forbidden = new Set();
  const demanded = new Set();
  for (const rule of schema.allOf ?? []) {
    const consequence = holds(rule.if, claim) ? rule.then : rule.else;
    for (const [name, field] of Object.entries(consequence?.properties ?? {})) {
      if (field.type === "null") forbidden.add(name);
    }
    consequence?.required?.forEach((name) => demanded.add(name));
  }
  return { forbidden, demanded };
}

function holds(condition, claim) {
  if ((condition.required ?? []).some((name) => claim[name] === undefined)) return false;
  return Object.entries(condition.properties ?? {}).every(([name, field]) => {
    const value = claim[name];
    if (value === undefined) return true;
    if ("const" in field) return value === field.const;
    return field.enum ? field.enum.includes(value) : true;
  });
}

/** `environment_name` as people read it. */
export function titleOf(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** A JSON pointer's step. */
export const step = (name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
