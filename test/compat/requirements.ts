import { badInput } from "./requirements/bad-input.ts";
import { errors, events } from "./requirements/events.ts";
import { hooks } from "./requirements/hooks.ts";
import { mcpCommands, mcpLazy, mcpOAuth } from "./requirements/mcp.ts";
import { mcpServer } from "./requirements/mcp-server.ts";
import { auth, human, options, resume, review } from "./requirements/output.ts";
import { body, headers, input, request } from "./requirements/request.ts";
import { listSection, type Requirement } from "./requirements/section.ts";
import { smallServers } from "./requirements/small-servers.ts";
import { agentsMd, home, notify, rollout } from "./requirements/storage.ts";
import { applyPatch, driving, environment, retries, timings, toolOutputs } from "./requirements/tools.ts";
import { toolsArray } from "./requirements/tools-array.ts";

const SECTIONS = {
  request,
  headers,
  body,
  toolsArray,
  input,
  events,
  errors,
  human,
  options,
  resume,
  review,
  auth,
  rollout,
  home,
  toolOutputs,
  applyPatch,
  environment,
  retries,
  notify,
  agentsMd,
  timings,
  driving,
  badInput,
  mcpServer,
  mcpCommands,
  mcpOAuth,
  mcpLazy,
  hooks,
  smallServers,
};

type Sections = typeof SECTIONS;

/** The id of a behaviour; a misspelt one does not compile. */
export type RequirementId = { [Name in keyof Sections]: keyof Sections[Name]["entries"] }[keyof Sections];

/** Every observable behaviour of the headless mode, MCP both ways, hooks and small servers, in the fact sheets' order. */
export const REQUIREMENTS: readonly Requirement[] = Object.values(SECTIONS).flatMap(listSection);
