/** A model server in a process of its own: answers every request at once with 36 KB of text, prints its address. */
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(819);

const events = [
  { type: "response.created", response: { id: "resp_1" } },
  {
    type: "response.output_item.done",
    output_index: 0,
    item: { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: TEXT }] },
  },
  {
    type: "response.completed",
    response: { id: "resp_1", usage: { input_tokens: 10, output_tokens: 10, total_tokens: 20 } },
  },
];
const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: async (request) => {
    await request.arrayBuffer();
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});
console.log(`http://127.0.0.1:${server.port}/v1`);
