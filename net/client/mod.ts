/**
 * The TypeScript client of proglog.
 *
 * ```ts
 * const client = createClient({ addrs: ["127.0.0.1:8400"], tls, timeoutMs: 10_000 });
 * for await (const batch of client.consume({ start: "earliest" })) { ... }
 * ```
 */
export { ProglogClient } from "./client.ts";
export type { ClientEnvironment, ConsumeRange } from "./client.ts";
export { createClient } from "./connect.ts";
export type { ConnectOptions } from "./connect.ts";
export { Producer } from "./producer.ts";
export { RecordBuilder } from "./record_builder.ts";
export type { EncodedRecords } from "./record_builder.ts";
export type { Accepted } from "../../core/cluster/proposal.ts";
export type { Consistency, ConsumeBatch, Start } from "../rpc/messages.ts";
