/**
 * The door to zlib's CRC-32 (the polynomial of Ethernet and gzip), which runs
 * in native code at tens of GB/s. A pure function, so the core may use it.
 */

export { crc32 } from "node:zlib";
