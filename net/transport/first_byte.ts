/** Gives up on a connection that says nothing. Callers: both listener halves. */
import type { Socket } from "node:net";
import type { PortOptions } from "./port_options.ts";

export function watchFirstByte(
  socket: Socket,
  { limits, scheduler }: PortOptions,
  onTimeout: () => void,
): void {
  const cancel = scheduler.after(limits.firstByteTimeoutMs, onTimeout);
  socket.once("data", cancel);
  socket.once("close", cancel);
}
