/**
 * Opens a client for the time of one verb.
 */
import { createClient, type ProglogClient } from "../net/client/mod.ts";
import type { ClientOptions } from "./options.ts";

export async function withClient<T>(
  options: ClientOptions,
  use: (client: ProglogClient) => Promise<T>,
): Promise<T> {
  const client = createClient(options);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
