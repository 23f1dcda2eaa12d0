/**
 * What a client knows of the servers: seeds at first, then what GetServers
 * answers. Pure; a snapshot is never changed, the next answer replaces it whole,
 * so that a leader that is no more is not remembered (reference defect 14).
 */
export interface Endpoints {
  /** "host:port"; undefined while nobody leads, or nothing is known. */
  readonly leader: string | undefined;
  readonly followers: readonly string[];
  /** What the user gave: the last resort, and the first one to ask. */
  readonly seeds: readonly string[];
}

/** As GetServers gives it. */
export interface ListedServer {
  readonly rpcAddr: string;
  readonly isLeader: boolean;
}

export interface Answer {
  /** Address whose server answered. */
  readonly from: string;
  readonly servers: readonly ListedServer[];
}

export function initialEndpoints(seeds: readonly string[]): Endpoints {
  return freeze({ leader: undefined, followers: [], seeds });
}

export function afterAnswer(
  known: Endpoints,
  { from, servers }: Answer,
): Endpoints {
  const { seeds } = known;
  const [first, ...others] = servers;
  if (first === undefined) {
    return freeze({ leader: undefined, followers: [from], seeds });
  }
  // A single server may be known to itself by another name than to us.
  if (others.length === 0) {
    return first.isLeader
      ? freeze({ leader: from, followers: [], seeds })
      : freeze({ leader: undefined, followers: [from], seeds });
  }
  const leader = servers.find(({ isLeader }) => isLeader)?.rpcAddr;
  const followers = servers.map(({ rpcAddr }) => rpcAddr)
    .filter((address) => address !== leader);
  return freeze({ leader, followers: [...new Set(followers)], seeds });
}

/** Every address, each once: servers, then seeds. */
export function allAddresses(endpoints: Endpoints): string[] {
  const { leader, followers, seeds } = endpoints;
  const first = leader === undefined ? [] : [leader];
  return [...new Set([...first, ...followers, ...seeds])];
}

function freeze(endpoints: Endpoints): Endpoints {
  Object.freeze(endpoints.followers);
  return Object.freeze(endpoints);
}
