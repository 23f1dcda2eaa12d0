import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { until, Workspace } from "./support/process.ts";

Deno.test("produce and consume: values, lines, keys, JSON and bytes that are no text", async () => {
  await Workspace.use(async (workspace) => {
    const { address } = await workspace.agent();
    const run = (args: string[], stdin?: Uint8Array | string) =>
      workspace.run(
        [...args, ...address],
        stdin === undefined ? {} : { stdin },
      );

    assert.equal((await run(["produce", "hello", "world"])).stdout, "0..1\n");
    assert.equal((await run(["produce"], "three\nfour\n")).stdout, "2..3\n");
    assert.equal(
      (await run(["produce", "--batch", "1", "--json"], "five\n\n")).stdout,
      '{"offset":4,"count":1}\n{"offset":5,"count":1}\n',
    );
    assert.equal(
      (await run(["consume"])).stdout,
      "hello\nworld\nthree\nfour\nfive\n\n",
    );
    assert.equal((await run(["consume", "--offset", "-2"])).stdout, "five\n\n");
    assert.equal(
      (await run(["consume", "--offset", "1", "--count", "2"])).stdout,
      "world\nthree\n",
    );
    assert.equal((await run(["consume", "--offset", "latest"])).stdout, "");
    assert.equal(
      (await run(["consume", "--raw", "--count", "2"])).stdout,
      "helloworld",
    );

    await run(["produce", "--key", "k", "keyed"]);
    const shown = (await run(["consume", "--offset", "6", "--json"])).stdout;
    assert.deepEqual(JSON.parse(shown), {
      offset: 6,
      key: btoa("k"),
      value: btoa("keyed"),
    });
    const copied = await run(["produce", "--json-input"], shown);
    assert.equal(copied.stdout, "7\n", copied.stderr);
    const copy = (await run(["consume", "--offset", "7", "--json"])).stdout;
    assert.deepEqual({ ...JSON.parse(copy), offset: 6 }, JSON.parse(shown));
  });
});

Deno.test("consume of a closed pipe ends quietly, and --follow ends on Ctrl-C", async () => {
  await Workspace.use(async (workspace) => {
    const { address } = await workspace.agent();
    const input = Array.from({ length: 200_000 }, (_, n) => `line ${n}`);
    await workspace.run(["produce", ...address], { stdin: input.join("\n") });

    const consumer = workspace.spawn(["consume", ...address]);
    const reader = consumer.stdout.getReader();
    await reader.read();
    await reader.cancel();
    const [status, stderr] = await Promise.all([
      consumer.status,
      new Response(consumer.stderr).text(),
    ]);
    assert.equal(stderr, "");
    assert.equal(status.code, 0);

    const follower = workspace.spawn([
      "consume",
      "--offset",
      "latest",
      "--follow",
      ...address,
    ]);
    const lines = follower.stdout.getReader();
    const first = lines.read();
    await until("the follower sees a new record", async () => {
      await workspace.run(["produce", "live", ...address]);
      return await Promise.race([
        first.then(() => true),
        new Promise<boolean>((resolve) =>
          setTimeout(() => resolve(false), 100)
        ),
      ]);
    });
    assert.match(new TextDecoder().decode((await first).value), /^live\n/);
    follower.kill("SIGINT");
    await lines.cancel();
    assert.equal((await follower.status).code, 0);
    await follower.stderr.cancel();
  });
});

Deno.test("a consumer that waits at the end of the log costs no measurable CPU (reference defect 15)", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    await workspace.run(["produce", "x", ...agent.address]);
    const follower = workspace.spawn(["consume", "--follow", ...agent.address]);
    const reader = follower.stdout.getReader();
    await reader.read();
    const before = cpuMs(agent.pid);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const used = cpuMs(agent.pid) - before;
    assert.ok(used <= 60, `the agent used ${used} ms of CPU in 2 s`);
    follower.kill("SIGTERM");
    await reader.cancel();
    await follower.stderr.cancel();
    await follower.status;
  });
});

Deno.test("every mistake is told in words with what to do next, and the right exit code", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const { address } = agent;
    const nobody = [
      "--tls-cert-file",
      workspace.path("config/nobody-client.pem"),
      "--tls-key-file",
      workspace.path("config/nobody-client-key.pem"),
    ];
    const cases: {
      name: string;
      args: string[];
      code: number;
      says: RegExp;
      env?: Record<string, string>;
    }[] = [
      {
        name: "no agent",
        args: ["produce", "x", "--addr", "127.0.0.1:1", "--timeout", "300ms"],
        code: 1,
        says: /refused.*Start an agent with `proglog agent`/,
      },
      {
        name: "no certificates",
        args: ["servers", ...address],
        env: { CONFIG_DIR: workspace.path("nowhere") },
        code: 1,
        says: /proglog certs init/,
      },
      {
        name: "bad flag",
        args: ["produce", "--frob"],
        code: 2,
        says: /--frob.*See `proglog produce --help`/,
      },
      {
        name: "bad offset",
        args: ["consume", "--offset", "soon", ...address],
        code: 2,
        says: /"soon" is no offset/,
      },
      {
        name: "offset outside the log",
        args: ["consume", "--offset", "5", ...address],
        code: 1,
        says: /offset out of range: 5 .*next offset is 0.*earliest/,
      },
      {
        name: "not permitted",
        args: ["produce", "x", ...nobody, ...address],
        code: 1,
        says: /nobody not permitted to produce to default.*policy\.csv/,
      },
      {
        name: "unknown log",
        args: ["consume", "--log", "orders", ...address],
        code: 1,
        says: /There is no log "orders"/,
      },
      {
        name: "bad JSON input",
        args: ["produce", "--json-input", ...address],
        code: 1,
        says: /Cannot read line 1 as it is not JSON/,
      },
      {
        name: "second agent on one directory",
        args: [
          "agent",
          "--data-dir",
          workspace.path("node1"),
          "--rpc-port",
          "0",
          "--bind-addr",
          "127.0.0.1:0",
        ],
        code: 1,
        says: /another process|lock/i,
      },
      {
        name: "port in use",
        args: [
          "agent",
          "--data-dir",
          workspace.path("other"),
          "--rpc-port",
          `${agent.rpcPort}`,
          "--bind-addr",
          "127.0.0.1:0",
        ],
        code: 1,
        says: /another process uses the port/,
      },
      {
        name: "insecure on a public address",
        args: ["agent", "--insecure", "--rpc-addr", "0.0.0.0:0"],
        code: 2,
        says: /loopback/,
      },
    ];
    for (const { name, args, code, says, env } of cases) {
      const result = await workspace.run(args, {
        stdin: "not json\n",
        ...(env === undefined ? {} : { env }),
      });
      assert.match(result.stderr, says, name);
      assert.match(result.stderr, /^(proglog: |\d{4}-)/m, name);
      assert.equal(result.code, code, `${name}: ${result.stderr}`);
    }
  });
});

Deno.test("status shows what an acknowledgement promises, and --fsync never warns at the start", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent({ args: ["--fsync", "never"] });
    assert.match(agent.log, /power loss may take/);
    const { stdout } = await workspace.run(["status", ...agent.address]);
    assert.match(stdout, /fsync +never: power loss may take/);
    const json = await workspace.run(["status", "--json", ...agent.address]);
    assert.equal(JSON.parse(json.stdout).fsync, "never");
    assert.equal(await agent.end("SIGTERM"), 0);
  });
});

Deno.test("trim drops whole old segments and says where the log begins; SIGHUP stops an agent in order", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent({
      args: ["--segment-bytes-max", "64KiB"],
    });
    const run = (...args: string[]) =>
      workspace.run([...args, ...agent.address]);
    const lines = Array.from({ length: 100 }, () => "x".repeat(1_000));
    // Twice: what one run sends may become one entry, which is never divided.
    for (let n = 0; n < 2; n++) {
      await workspace.run(["produce", ...agent.address], {
        stdin: lines.join("\n"),
      });
    }
    const none = await run("trim", "--before", "0", "--json");
    assert.equal(JSON.parse(none.stdout).servers[0].lowest_offset, 0);
    const some = JSON.parse(
      (await run("trim", "--before", "150", "--json")).stdout,
    );
    assert.deepEqual(some.failed, []);
    const [{ lowest_offset: lowest, removed_bytes: removed, id }] =
      some.servers;
    assert.equal(id, "node1");
    assert.ok(lowest > 0 && lowest <= 150, `begins at ${lowest}`);
    assert.ok(removed > lowest * 1_000, `${removed} bytes went`);
    const gone = await run("consume", "--offset", "0");
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, new RegExp(`the log has ${lowest} to 199`));
    const kept = await run("consume", "--offset", "earliest");
    assert.equal(kept.stdout.split("\n").length - 1, 200 - lowest);
    assert.match(
      (await run("trim", "--before", "150")).stdout,
      new RegExp(`^node1 begins at ${lowest} now, 0 bytes went\n$`),
    );
    assert.equal((await run("trim")).code, 2);
    assert.equal(await agent.end("SIGHUP"), 0);
    assert.match(agent.log, /stopped/);
  });
});

/** User and system time of a process so far. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return ticks * 10;
}

Deno.test("bench puts every load on an agent and says what it measured", async () => {
  await Workspace.use(async (workspace) => {
    const { address } = await workspace.agent();
    const bench = async (...args: string[]) => {
      const result = await workspace.run(["bench", ...args, ...address]);
      assert.equal(result.code, 0, result.stderr);
      return result.stdout;
    };
    const json = async (...args: string[]) =>
      JSON.parse(await bench(...args, "--json"));
    const stream = await json("stream", "--records", "2000", "--size", "1KiB");
    assert.equal(stream.records, 2_000);
    const megabytes = stream.recordsPerSecond * 1024 / 1e6;
    assert.ok(Math.abs(stream.megabytesPerSecond / megabytes - 1) < 0.001);
    assert.ok((await json("consume", "--records", "2000")).records >= 2_000);
    const unary = await json("produce", "--duration", "500ms");
    assert.equal(unary.latency.count, unary.records);
    const paced = ["latency", "--rate", "100", "--duration", "500ms"];
    const { latency, acknowledged } = await json(...paced);
    assert.deepEqual([latency.count, acknowledged.count], [50, 50]);
    assert.ok(latency.p50Ms <= latency.p99Ms);
    assert.match(await bench(...paced), /\nacknowledged .*\nconsumed .*\n$/);
    const failover = await json("failover", "--duration", "500ms");
    assert.ok(failover.acknowledged > 0 && failover.gapMs < 500);
  });
});
