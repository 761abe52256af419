import { useState } from 'react';
import { Segmented } from '@/components/ui/controls';
import { CopyButton } from '@/components/ui/copy-button';

type Props = {
  apiUrl: string;
  model: string /** Stands in the example as it is; leave out to read it from the environment. */;
  apiKey?: string;
};
type Lang = 'curl' | 'python' | 'node';

function examples({ apiUrl, model, apiKey }: Props): Record<Lang, string> {
  const base = `${apiUrl.replace(/\/$/, '')}/v1`;
  const key = apiKey ?? '$DELTALLM_API_KEY';
  return {
    curl: `curl ${base}/chat/completions \\\n  -H "Authorization: Bearer ${key}" \\\n  -H "Content-Type: application/json" \\\n  -d '{"model":"${model}","messages":[{"role":"user","content":"Hello"}]}'`,
    python: `import os\nfrom openai import OpenAI\n\nclient = OpenAI(\n    base_url="${base}",\n    api_key=${apiKey ? `"${apiKey}"` : 'os.environ["DELTALLM_API_KEY"]'},\n)\nanswer = client.chat.completions.create(\n    model="${model}",\n    messages=[{"role": "user", "content": "Hello"}],\n)\nprint(answer.choices[0].message.content)`,
    node: `import OpenAI from "openai";\n\nconst client = new OpenAI({\n  baseURL: "${base}",\n  apiKey: ${apiKey ? `"${apiKey}"` : 'process.env.DELTALLM_API_KEY'},\n});\nconst answer = await client.chat.completions.create({\n  model: "${model}",\n  messages: [{ role: "user", content: "Hello" }],\n});\nconsole.log(answer.choices[0].message.content);`,
  };
}

/** A call that works as it stands against this gateway. */
export function Snippet(props: Props) {
  const [lang, setLang] = useState<Lang>('curl');
  const text = examples(props)[lang];
  return (
    <div className="overflow-hidden rounded-xl border border-line">
      <div className="flex items-center justify-between border-line border-b bg-sunken/60 py-1 pr-1.5 pl-1">
        <Segmented
          label="Language"
          value={lang}
          onChange={setLang}
          options={[
            { value: 'curl', label: 'curl' },
            { value: 'python', label: 'Python' },
            { value: 'node', label: 'Node' },
          ]}
          className="bg-transparent"
        />
        <CopyButton text={text} label="Copy example" />
      </div>
      <pre tabIndex={0} className="scroll-thin overflow-x-auto p-3.5 font-mono text-fg-2 text-xs leading-5">
        {text}
      </pre>
    </div>
  );
}
