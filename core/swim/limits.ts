/**
 * Every bound of the gossip core in one place: what a peer may make us hold,
 * decode or send. The sources are Go's own limits where it has them.
 */

/** Useful bytes of a packet that we send (memberlist UDPBufferSize). */
export const PACKET_BYTES_MAX = 1400;
/** Bytes of a packet after decompression. */
export const PACKET_EXPANDED_BYTES_MAX = 64 * 1024;
/** Messages inside one packet, over all levels of compound. */
export const PACKET_MESSAGES_MAX = 1024;
/** Compound and compressed bodies inside each other. */
export const PACKET_NESTING_MAX = 4;
/** Parts we put in one compound: memberlist < 0.2.4 counts them in 8 bits times 2. */
export const COMPOUND_PARTS_SENT_MAX = 127;

/** Bytes of one stream message, plain, sealed or decompressed. */
export const STREAM_BYTES_MAX = 20 * 1024 * 1024;
/** Bytes that all open streams together may hold back. */
export const STREAM_TOTAL_BYTES_MAX = 64 * 1024 * 1024;
/** Streams open at once that peers opened. */
export const STREAMS_INBOUND_MAX = 128;
/** Bytes of one msgpack header or node entry in a stream. */
export const STREAM_STRUCT_BYTES_MAX = 64 * 1024;
/** Entries in one push/pull. */
export const PUSH_PULL_NODES_MAX = 65_536;

/** Bytes of a member's meta data (memberlist MetaMaxSize). */
export const META_BYTES_MAX = 512;
/** Characters of a member's name. */
export const NAME_BYTES_MAX = 128;
/** Members in the table, whatever their state. */
export const MEMBERS_MAX = 16_384;
/** Names of not yet known members whose intents are remembered. */
export const RECENT_INTENTS_MAX = 4096;
/** Messages in one broadcast queue (serf MaxQueueDepth). */
export const BROADCASTS_MAX = 4096;
/** Pings of others that we relay at once. */
export const RELAYED_PROBES_MAX = 1024;

/** Arrays and maps inside each other in msgpack. */
export const MSGPACK_NESTING_MAX = 16;
/** Slots of the rings that find duplicate user events and queries. */
export const EVENT_RING_SLOTS = 512;
/** Messages with one Lamport time in a slot of these rings. */
export const EVENT_RING_SLOT_MESSAGES_MAX = 256;
/** Name and payload of a user event (serf UserEventSizeLimit). */
export const USER_EVENT_BYTES_MAX = 512;
/** What peers may set that limit to (serf UserEventSizeLimit, hard). */
export const USER_EVENT_RECEIVED_BYTES_MAX = 9 * 1024;
/** An encoded query (serf QuerySizeLimit). */
export const QUERY_BYTES_MAX = 1024;
/** An encoded answer to a query (serf QueryResponseSizeLimit). */
export const QUERY_RESPONSE_BYTES_MAX = 1024;
