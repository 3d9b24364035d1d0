/**
 * Writes what is derived from the configuration schema: config.schema.json, and the key tables between the two
 * markers of docs/config.md. `--check` writes nothing and exits 1 when a file is not what it would write.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FEATURE_ALIASES, FEATURES } from "#config/features.ts";
import type { Field, Fields, SchemaNode } from "#config/kinds.ts";
import { CONFIG_SCHEMA } from "#config/schema.ts";

const PROJECT = join(import.meta.dir, "..");
const START = "<!-- generated from src/config/schema.ts; run `npm run generate` -->";
const END = "<!-- end of generated part -->";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The JSON Schema (draft 2020-12) of config.toml. */
export function configJsonSchema(): string {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "config.toml of Codex in TypeScript",
    description: "Unknown keys are ignored with a warning at run time; here they are marked, to catch typing mistakes.",
    ...(jsonSchemaOf(CONFIG_SCHEMA) as { [key: string]: Json }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function jsonSchemaOf(node: SchemaNode): Json {
  switch (node.kind) {
    case "string":
    case "path":
      return { type: "string" };
    case "boolean":
      return { type: "boolean" };
    case "integer":
      return { type: "integer", ...bounds(node.range.min, node.range.max) };
    case "number":
      return { type: "number" };
    case "enum":
      return { enum: [...node.values, ...Object.keys(node.aliases)] };
    case "array":
      return { type: "array", items: jsonSchemaOf(node.items) };
    case "map":
      return { type: "object", additionalProperties: jsonSchemaOf(node.values) };
    case "table":
      return tableJsonSchema(node);
    case "either":
      return { anyOf: node.options.map(jsonSchemaOf) };
    case "anything":
      return {};
  }
}

/** 64-bit limits are left out: JSON has no exact form of them. */
function bounds(min: number, max: number): { [key: string]: Json } {
  return {
    ...(Number.isSafeInteger(min) ? { minimum: min } : {}),
    ...(Number.isSafeInteger(max) ? { maximum: max } : {}),
  };
}

function tableJsonSchema(node: SchemaNode & { kind: "table" }): Json {
  const properties: { [key: string]: Json } = {};
  for (const [key, field] of Object.entries(node.fields)) {
    properties[key] = {
      description: sentence(field),
      ...(jsonSchemaOf(field.schema) as { [key: string]: Json }),
      ...(field.default === undefined ? {} : { default: field.default as Json }),
    };
  }
  const required = Object.keys(node.fields).filter((key) => node.fields[key]?.required);
  return {
    type: "object",
    properties,
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: node.rest === undefined ? false : jsonSchemaOf(node.rest),
  };
}

function sentence(field: Field): string {
  const since = field.since === undefined ? "" : ` Codex CLI has it since ${field.since}.`;
  const unused = field.unused === undefined ? "" : ` Accepted without effect: ${field.unused}.`;
  return `${field.description}.${since}${unused}`;
}

/** The tables of keys and feature flags for docs/config.md. */
export function configKeyTables(): string {
  const rows = keyRows(CONFIG_SCHEMA.kind === "table" ? CONFIG_SCHEMA.fields : {}, "");
  return [
    "| key | type | default | meaning |",
    "|---|---|---|---|",
    ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`),
    "",
    "### Feature flags",
    "",
    "| flag | stage | default | meaning |",
    "|---|---|---|---|",
    ...Object.entries(FEATURES).map(
      ([name, flag]) => `| \`${name}\` | ${flag.stage} | ${flag.default ? "on" : "off"} | ${cell(flag.description)} |`,
    ),
    "",
    `Other names that are accepted: ${Object.entries(FEATURE_ALIASES)
      .map(([alias, name]) => `\`${alias}\` for \`${name}\``)
      .join(", ")}.`,
    "",
  ].join("\n");
}

type Row = [key: string, type: string, byDefault: string, meaning: string];

function keyRows(fields: Fields, prefix: string): Row[] {
  return Object.entries(fields).flatMap(([key, field]) => rowsOf(prefix + bareOrQuoted(key), field));
}

function rowsOf(key: string, field: Field): Row[] {
  const node = field.schema;
  if (key === "features" || key === "profiles") return [rowOf(key, field)];
  if (field.section && node.kind === "table") return keyRows(node.fields, `${key}.`);
  const inner = innerTable(node, key);
  if (inner === undefined) return [rowOf(key, field)];
  return [rowOf(key, field), ...keyRows(inner.fields, inner.prefix)];
}

/** The table whose keys get rows of their own below a key that is a map, list or optional table of them. */
function innerTable(node: SchemaNode, key: string): { fields: Fields; prefix: string } | undefined {
  if (node.kind === "map" && node.values.kind === "table") {
    return { fields: node.values.fields, prefix: `${key}.<${node.keyName}>.` };
  }
  if (node.kind === "array" && node.items.kind === "table") return { fields: node.items.fields, prefix: `${key}[].` };
  return node.kind === "table" ? { fields: node.fields, prefix: `${key}.` } : undefined;
}

function rowOf(key: string, field: Field): Row {
  return [`\`${key}\``, typeName(field.schema), defaultName(field), sentence(field)];
}

function typeName(node: SchemaNode): string {
  switch (node.kind) {
    case "enum":
      return node.values.map((value) => `\`${value}\``).join(", ");
    case "array":
      return node.items.kind === "either" ? `list of ${typeName(node.items)}` : `list of ${typeName(node.items)}s`;
    case "map":
      return node.values.kind === "table" ? `tables by ${node.keyName}` : `${typeName(node.values)} by ${node.keyName}`;
    case "either":
      return node.options.map(typeName).join(" or ");
    case "anything":
      return "any";
    default:
      return node.kind;
  }
}

function defaultName(field: Field): string {
  if (field.required) return "required";
  if (field.defaultText !== undefined) return field.defaultText;
  const value = field.default;
  if (value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0))
    return "";
  return `\`${JSON.stringify(value)}\``;
}

function bareOrQuoted(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

/** The page with its generated part replaced; throws when the markers are missing. */
export function withKeyTables(page: string): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start === -1 || end < start) throw new Error(`docs/config.md has no "${START}" … "${END}"`);
  return `${page.slice(0, start + START.length)}\n\n${configKeyTables()}\n${page.slice(end)}`;
}

interface Generated {
  path: string;
  text: string;
}

function generatedFiles(): Generated[] {
  const page = join(PROJECT, "docs/config.md");
  return [
    { path: join(PROJECT, "config.schema.json"), text: configJsonSchema() },
    { path: page, text: withKeyTables(readFileSync(page, "utf8")) },
  ];
}

function isStale({ path, text }: Generated): boolean {
  return !existsSync(path) || readFileSync(path, "utf8") !== text;
}

function run(checkOnly: boolean): number {
  const stale = generatedFiles().filter(isStale);
  if (!checkOnly) for (const { path, text } of stale) writeFileSync(path, text);
  for (const { path } of stale) {
    console.log(checkOnly ? `${path} is stale: run \`npm run generate\`` : `Wrote ${path}`);
  }
  return checkOnly && stale.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = run(process.argv.includes("--check"));
