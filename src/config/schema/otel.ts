import {
  anything,
  either,
  flag,
  oneOf,
  optional,
  path,
  required,
  section,
  table,
  text,
  textMap,
  withDefault,
} from "../kinds.ts";

const tls = table({
  "ca-certificate": optional(path, "CA certificate file"),
  "client-certificate": optional(path, "Client certificate file"),
  "client-private-key": optional(path, "Its private key file"),
});

const otlpHttp = table({
  endpoint: required(text, "Address of the collector"),
  protocol: required(oneOf(["binary", "json"]), "Encoding"),
  headers: withDefault(textMap, {}, "Headers added to every request"),
  tls: optional(tls, "Certificates"),
});

const otlpGrpc = table({
  endpoint: required(text, "Address of the collector"),
  headers: withDefault(textMap, {}, "Headers added to every request"),
  tls: optional(tls, "Certificates"),
});

const EXPECTED = "one of `none`, `statsig`, `otlp-http`, `otlp-grpc`";

const exporter = either(
  oneOf(["none", "statsig"]),
  table(
    {
      "otlp-http": optional(otlpHttp, "OpenTelemetry over HTTP"),
      "otlp-grpc": optional(otlpGrpc, "OpenTelemetry over gRPC"),
    },
    {
      check: (choice) => (Object.keys(choice).length === 1 ? undefined : `expected exactly one exporter: ${EXPECTED}`),
    },
  ),
  EXPECTED,
);

export const OTEL_FIELDS = {
  otel: section(
    {
      exporter: withDefault(exporter, "none", "Where log events are sent"),
      trace_exporter: optional(exporter, "Where traces are sent", { defaultText: "as exporter" }),
      metrics_exporter: withDefault(
        exporter,
        "none",
        "Where metrics are sent; unlike Codex CLI nothing is sent unless you say so",
      ),
      log_user_prompt: withDefault(flag, false, "Send the text of prompts; otherwise it is redacted"),
      environment: withDefault(text, "dev", "Name of the environment, sent with every event"),
      span_attributes: optional(anything, "Attributes of every span", { since: "0.169", unused: "not sent yet" }),
    },
    "OpenTelemetry",
  ),
};
