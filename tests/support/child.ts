/** A server as a child process that prints its port and ends with its stdin. */

export interface Child {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<Deno.CommandStatus>;
}

export async function startChild(
  command: string,
  options: { args: string[]; env?: Record<string, string> },
): Promise<Child> {
  const child = new Deno.Command(command, {
    ...options,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const port = await readPort(child.stdout);
  return {
    pid: child.pid,
    port,
    stop: async () => {
      await child.stdin.close();
      return await child.status;
    },
  };
}

async function readPort(stdout: ReadableStream<Uint8Array>): Promise<number> {
  const reader = stdout.getReader();
  let line = "";
  while (!line.includes("\n")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The child ended before it had a port: ${line}`);
    line += new TextDecoder().decode(value);
  }
  reader.cancel().catch(() => undefined);
  return Number(line);
}
