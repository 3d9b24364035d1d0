/** The server half of stream.ts: one answer of about 1 MB of text in 65,000 deltas, as bytes made once. */
const DELTAS = 65_000;
/** What one write of a server that streams fast looks like on the network. */
const PIECE_BYTES = 16 * 1024;

function event(type: string, fields: Record<string, unknown>): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function answer(): Uint8Array {
  const id = "msg_0123456789abcdef0123456789abcdef0123456789abcdef";
  const words = [
    "const ",
    "answer",
    " = ",
    "await ",
    "déjà vu();\n",
    "// a comment, ",
    "→ and more\n",
    "0123456789abcdef",
  ];
  let text = "";
  const parts = [event("response.created", { response: { id: "resp_1" } })];
  for (let index = 0; index < DELTAS; index++) {
    const delta = `${words[index % words.length]}${"abcdefgh".slice(0, 8)}`;
    text += delta;
    parts.push(
      event("response.output_text.delta", {
        sequence_number: index,
        item_id: id,
        output_index: 0,
        content_index: 0,
        delta,
        logprobs: [],
        obfuscation: "aBcDeFgH",
      }),
    );
  }
  const item = {
    type: "message",
    id,
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text }],
  };
  parts.push(event("response.output_item.done", { output_index: 0, item }));
  parts.push(event("response.completed", { response: { id: "resp_1", usage: null } }));
  return Buffer.from(parts.join(""));
}

const bytes = answer();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch() {
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (sent >= bytes.length) return controller.close();
        controller.enqueue(bytes.subarray(sent, sent + PIECE_BYTES));
        sent += PIECE_BYTES;
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});
process.stdout.write(`${server.port}\n`);
