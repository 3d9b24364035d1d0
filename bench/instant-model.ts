/**
 * A model server in a process of its own that costs next to nothing: answers every request at once and prints
 * its address. `text BYTES`: with that much text. `commands N`: N calls of exec_command, then a text, and so on
 * from the start.
 */
const [mode = "text", argument = "16"] = process.argv.slice(2);

function response(item: Record<string, unknown>): string {
  const events = [
    { type: "response.created", response: { id: "resp_1" } },
    { type: "response.output_item.done", output_index: 0, item },
    {
      type: "response.completed",
      response: { id: "resp_1", usage: { input_tokens: 10, output_tokens: 10, total_tokens: 20 } },
    },
  ];
  return events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
}

function message(bytes: number): string {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(Math.ceil(bytes / 45)).slice(0, bytes);
  return response({ type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text }] });
}

function call(index: number): string {
  return response({
    type: "function_call",
    name: "exec_command",
    arguments: '{"cmd":"true"}',
    call_id: `call_${index}`,
  });
}

const count = Number(argument);
const script =
  mode === "commands" ? [...Array.from({ length: count }, (_, index) => call(index)), message(4)] : [message(count)];
let requests = 0;

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) => {
    await request.arrayBuffer();
    return new Response(script[requests++ % script.length], { headers: { "content-type": "text/event-stream" } });
  },
});
console.log(`http://127.0.0.1:${server.port}/v1`);
