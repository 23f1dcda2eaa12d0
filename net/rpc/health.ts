/**
 * grpc.health.v1.Health: what load balancers and `grpc_health_probe` ask. The
 * agent sets the status of each service; "" is the server as a whole.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { decodeRequest } from "./decode_request.ts";
import { STATUS, StatusError } from "../grpc/status.ts";
import type { MessageSink, MethodHandler, ServerCall } from "../grpc/types.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Wire,
  HealthCheckResponseSchema,
} from "./gen/grpc/health/v1/health_pb.ts";

export type ServingStatus = "serving" | "not_serving";

export class HealthService {
  readonly #statuses = new Map<string, ServingStatus>();
  readonly #watchers = new Set<() => void>();

  /** `status` for "" and every name in `services`. */
  constructor(services: readonly string[], status: ServingStatus) {
    for (const service of ["", ...services]) {
      this.#statuses.set(service, status);
    }
  }

  /** Takes effect at once; watchers are told. */
  set(service: string, status: ServingStatus): void {
    if (this.#statuses.get(service) === status) return;
    this.#statuses.set(service, status);
    this.#tellWatchers();
  }

  setAll(status: ServingStatus): void {
    for (const service of this.#statuses.keys()) this.set(service, status);
  }

  methods(): [path: string, handler: MethodHandler][] {
    return [
      ["/grpc.health.v1.Health/Check", {
        kind: "unary",
        handle: (request) => this.#check(serviceIn(request)),
      }],
      ["/grpc.health.v1.Health/Watch", {
        kind: "server_stream",
        handle: (request, sink, call) =>
          this.#watch(serviceIn(request), sink, call),
      }],
    ];
  }

  #check(service: string): Uint8Array {
    const status = this.#statuses.get(service);
    if (status !== undefined) return encodeStatus(wireOf(status));
    throw new StatusError(STATUS.NOT_FOUND, `Unknown service "${service}"`);
  }

  /** Sends the status now and at each change, until the caller leaves. */
  async #watch(
    service: string,
    sink: MessageSink,
    call: ServerCall,
  ): Promise<void> {
    let change = Promise.withResolvers<void>();
    const onChange = () => change.resolve();
    this.#watchers.add(onChange);
    call.signal.addEventListener("abort", onChange, { once: true });
    try {
      let sent: Wire | undefined;
      while (!call.signal.aborted) {
        const status = wireOf(this.#statuses.get(service));
        if (status !== sent && !sink.send(encodeStatus(status))) {
          await sink.drained();
        }
        sent = status;
        await change.promise;
        change = Promise.withResolvers();
      }
    } finally {
      this.#watchers.delete(onChange);
    }
  }

  #tellWatchers(): void {
    for (const onChange of this.#watchers) onChange();
  }
}

function serviceIn(request: Uint8Array): string {
  return decodeRequest(HealthCheckRequestSchema, request).service;
}

function wireOf(status: ServingStatus | undefined): Wire {
  if (status === undefined) return Wire.SERVICE_UNKNOWN;
  return status === "serving" ? Wire.SERVING : Wire.NOT_SERVING;
}

function encodeStatus(status: Wire): Uint8Array {
  const message = create(HealthCheckResponseSchema, { status });
  return toBinary(HealthCheckResponseSchema, message);
}
