import { NEWER_SHAPE, NO_COLLAB } from "./reasons.ts";
import { section, untested } from "./section.ts";

export const toolsArray = section("1.3", {
  "exec.tools.order": "exec_command, write_stdin, update_plan, apply_patch, web_search, view_image come in this order.",
  "exec.tools.function-shape":
    'Each function is {type:"function",name,description,strict:false,parameters} with a non-empty description.',
  "exec.tools.closed-parameters": "Each function's parameters are an object with additionalProperties false.",
  "exec.tools.alphabetical": "The properties of each function are in alphabetical order.",
  "exec.tools.exec-command": "exec_command has the recorded properties and types and requires cmd.",
  "exec.tools.write-stdin": "write_stdin has the recorded properties and types and requires session_id.",
  "exec.tools.update-plan": "update_plan takes explanation and plan[{step,status}], requiring plan, step and status.",
  "exec.tools.view-image": "view_image takes path and requires it.",
  "exec.tools.apply-patch-freeform":
    "apply_patch is a custom tool with a lark grammar for a model that has freeform patches.",
  "exec.tools.apply-patch-grammar": "The grammar names the patch markers: begin, end, add, delete, update, move, eof.",
  "exec.tools.apply-patch-unknown-model": "apply_patch is not listed for an unknown slug.",
  "exec.tools.web-search-cached": "web_search is listed with external_web_access false by default.",
  "exec.tools.web-search-live": 'web_search="live" sets external_web_access true.',
  "exec.tools.web-search-full-access": "danger-full-access sets external_web_access true.",
  "exec.tools.web-search-disabled": 'web_search="disabled" removes the tool.',
  "exec.tools.review-no-web-search": "A review turn lists the same tools without web_search.",
  "exec.tools.mcp-resources": "The three MCP resource tools follow write_stdin.",
  "exec.tools.mcp-resources-none": "Without an MCP server the resource tools are not listed.",
  "exec.tools.mcp-tools": "MCP tools are listed last as mcp__server__tool, sorted by name.",
  "exec.tools.mcp-schema": "The schema of an MCP tool has one type per value and no $schema.",
  "exec.tools.mcp-long-name": "A name over 64 characters is its first 24 and the SHA-1 of the full name.",
  "exec.tools.mcp-filter": "enabled_tools and disabled_tools choose what is listed.",
  "exec.tools.mcp-instructions": "The instructions of an MCP server are not sent.",
  "exec.tools.request-user-input": untested(
    "request_user_input is listed after update_plan.",
    "asking the user belongs to the interactive modes, which do not exist yet",
  ),
  "exec.tools.collab": untested("With collab the five sub-agent tools are added.", NO_COLLAB),
  "exec.tools.newer": untested("Goals, tool_search and namespaces are listed.", NEWER_SHAPE),
});
