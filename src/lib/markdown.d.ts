/** Prompts and tool descriptions are Markdown files embedded as text (`with { type: "text" }`). */
declare module "*.md" {
  const text: string;
  export default text;
}
/** Files embedded in the executable (`with { type: "file" }`); the value is a path Bun can open. */
declare module "*.wasm" {
  const path: string;
  export default path;
}
