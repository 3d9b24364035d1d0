import { createConnection, type Socket } from "node:net";
import { CodexError, osErrorText } from "#lib/errors.ts";

/**
 * Copies standard input to the socket and the socket to standard output, so that a server behind a socket
 * can be used where a program is expected. The end of input closes the writing half only; the bridge ends
 * when the peer closes. Throws a CodexError when the socket cannot be reached.
 */
export async function bridgeStdio(path: string): Promise<number> {
  const socket = await connect(path);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  await new Promise<void>((resolve, reject) => {
    socket.once("close", () => resolve());
    socket.once("error", (error) => reject(connectionError(path, error)));
    // A reader that went away ends the bridge as it would end any filter.
    process.stdout.once("error", () => resolve());
  });
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  return 0;
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true }, () => resolve(socket));
    socket.once("error", (error) => reject(connectionError(path, error)));
    // With both halves open until both are done: the peer's end means there is nothing left to say to it.
    socket.once("end", () => socket.end());
  });
}

function connectionError(path: string, error: Error): CodexError {
  return new CodexError("socket", `failed to connect to socket at ${path}\n\nCaused by:\n    ${osErrorText(error)}`, {
    cause: error,
  });
}
