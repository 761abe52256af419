// Coding agents, headless, each with one small task that takes a tool: Claude Code through `/v1/messages`, Codex through
// `/v1/responses`. Each has a home folder of its own, and may call nobody but the gateway.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const { DELTALLM_TEST_GATEWAY: gateway, OPENAI_API_KEY: key, DELTALLM_TEST_PROVIDERS: providers, PATH } = process.env;
const programs = join(dirname(fileURLToPath(import.meta.url)), "node_modules", ".bin");
const folder = mkdtempSync(join(tmpdir(), "deltallm-agents-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs an agent in an empty folder, without anything on its standard input. */
async function run(name, program, args, env) {
  const home = join(folder, name);
  const work = join(home, "work");
  mkdirSync(work, { recursive: true });
  const running = promisify(execFile)(join(programs, program), args, {
    cwd: work, timeout: 90_000, maxBuffer: 16 << 20, env: { PATH, HOME: home, ...env(home) },
  });
  running.child.stdin.end();
  const { stdout } = await running.catch((error) => assert.fail(`${error.message}\n${error.stdout}`));
  return { stdout, work };
}

/** The task: the model is told to write a file through the agent's own tool. */
const COMMAND = "echo written-by-a-tool > note.txt; cat note.txt";

function checkNote(work) {
  assert.equal(readFileSync(join(work, "note.txt"), "utf8"), "written-by-a-tool\n");
}

describe("Claude Code", () => {
  for (const provider of providers.split(" ")) {
    test(provider, async () => {
      const task = `Please do mock-call:Bash${JSON.stringify({ command: COMMAND, description: "Write a note" })}`;
      const args = ["-p", task, "--model", `chat-${provider}`, "--allowedTools", "Bash", "--output-format", "json"];
      const { stdout, work } = await run(`claude-${provider}`, "claude", args, () => ({
        ANTHROPIC_BASE_URL: gateway,
        ANTHROPIC_AUTH_TOKEN: key,
        ANTHROPIC_SMALL_FAST_MODEL: `chat-${provider}`,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_AUTOUPDATER: "1",
        DISABLE_ERROR_REPORTING: "1",
        DISABLE_TELEMETRY: "1",
      }));
      const result = JSON.parse(stdout);
      assert.equal(result.is_error, false, stdout);
      assert.match(result.result, /The tool says: .*written-by-a-tool/s);
      assert.equal(result.num_turns, 2);
      checkNote(work);
    });
  }
});

describe("Codex", () => {
  for (const provider of providers.split(" ")) {
    test(provider, async () => {
      const configure = (home) => {
        mkdirSync(join(home, ".codex"), { recursive: true });
        writeFileSync(join(home, ".codex", "config.toml"), `
model = "chat-${provider}"
model_provider = "deltallm"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
web_search = "disabled"
[analytics]
enabled = false
[agents]
enabled = false
[model_providers.deltallm]
name = "DeltaLLM"
base_url = "${gateway}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`);
        return { OPENAI_API_KEY: key };
      };
      const task = `Please do mock-call:exec_command${JSON.stringify({ cmd: COMMAND })}`;
      const { stdout, work } = await run(
        `codex-${provider}`, "codex", ["exec", "--skip-git-repo-check", "--json", task], configure,
      );
      const events = stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
      const said = events.filter((event) => event.item?.type === "agent_message").map((event) => event.item.text);
      assert.match(said.join(), /The tool says: .*written-by-a-tool/s, stdout);
      assert.ok(events.some((event) => event.type === "turn.completed"));
      checkNote(work);
    });
  }
});
