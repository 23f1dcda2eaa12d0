/** The rules of header sections (RFC 9113 sections 8.2 and 8.3), one row each. */
import { PROTOCOL_ERROR } from "../../../net/http2/mod.ts";
import { REQUEST_HEAD } from "./support/pair.ts";
import {
  asked,
  FINE,
  request,
  type Rule,
  stream,
  testServerRules,
  without,
} from "./support/rules.ts";

const MESSAGE_RULES: readonly Rule[] = [
  ...[":method", ":scheme", ":path"].map((name) => ({
    name: `8.3.1 a request without ${name}`,
    input: [asked(without(name))],
    verdict: stream(1, PROTOCOL_ERROR),
  })),
  ...[":method", ":scheme", ":path", ":authority"].map((name) => ({
    name: `8.3 a request with ${name} twice`,
    input: [
      asked([
        ...REQUEST_HEAD.filter((field) => field[0] === name),
        ...REQUEST_HEAD,
      ]),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  })),
  ...[
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
  ].map((name) => ({
    name: `8.2.2 the field ${name}`,
    input: [request([name, "x"])],
    verdict: stream(1, PROTOCOL_ERROR),
  })),
  {
    name: "8.3 a pseudo field after a regular one",
    input: [asked([...without(":path"), [":path", "/"]])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3 an unknown pseudo field",
    input: [asked([[":proto", "x"], ...REQUEST_HEAD])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3 a response field in a request",
    input: [asked([[":status", "200"], ...REQUEST_HEAD])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3.1 an empty :path",
    input: [asked([[":path", ""], ...without(":path")])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3.1 a :path without a slash",
    input: [asked([[":path", "log"], ...without(":path")])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.5 CONNECT with a :path",
    input: [
      asked([[":method", "CONNECT"], [":path", "/"], [":authority", "a:1"]]),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.5 CONNECT",
    input: [asked([[":method", "CONNECT"], [":authority", "a:1"]])],
    verdict: FINE,
  },
  {
    name: "8.2.1 an upper-case name",
    input: [request(["X-Trace", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 an empty name",
    input: [request(["", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 a name with a blank",
    input: [request(["a b", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 a value with a line feed",
    input: [request(["a", "b\nc"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 a value that starts with a blank",
    input: [request(["a", " b"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.2 te other than trailers",
    input: [request(["te", "gzip"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 a content-length that is no number",
    input: [request(["content-length", "1x"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 two different content-lengths",
    input: [request(["content-length", "0"], ["content-length", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
];

testServerRules(MESSAGE_RULES);
