import { CircleCheck, CircleX, Play } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/ui/button';
import { CopyButton } from '@/components/ui/copy-button';
import { Field, Input } from '@/components/ui/field';
import { FormError } from '@/components/ui/states';
import { messageOf } from '@/lib/client';
import { fmtInt, fmtMs, fmtUsd } from '@/lib/format';
import { type TestResult, useTestModel } from '../api/models';

/** Calls the model through the gateway, the way a client would, and shows what came back. */
export function TestCall({ modelName }: { modelName: string }) {
  const test = useTestModel();
  const [prompt, setPrompt] = useState('Say hello in one short sentence.');
  function submit(e: FormEvent) {
    e.preventDefault();
    test.mutate({ model_name: modelName, prompt });
  }
  return (
    <div className="flex flex-col gap-4">
      <form onSubmit={submit} className="flex items-end gap-2">
        <Field label="Prompt" className="min-w-0 flex-1">
          <Input value={prompt} onChange={(e) => setPrompt(e.target.value)} required maxLength={2000} />
        </Field>
        <Button type="submit" variant="primary" loading={test.isPending}>
          {!test.isPending && <Play aria-hidden="true" />} Run test call
        </Button>
      </form>
      <div aria-live="polite">
        {test.isError && <FormError>{messageOf(test.error)}</FormError>}
        {test.data && !test.isPending && <Outcome result={test.data} />}
      </div>
    </div>
  );
}

function Outcome({ result: r }: { result: TestResult }) {
  const facts: [string, string][] = [
    ['Latency', fmtMs(r.latency_ms)],
    ['Tokens in', r.usage ? fmtInt(r.usage.input_tokens) : '–'],
    ['Tokens out', r.usage ? fmtInt(r.usage.output_tokens) : '–'],
    ['Cost', r.cost_usd == null ? 'Unpriced' : fmtUsd(r.cost_usd)],
  ];
  return (
    <section aria-label="Test result" className="overflow-hidden rounded-xl border border-line">
      <p
        className={`flex items-center gap-2 px-3.5 py-2.5 font-medium [&_svg]:size-4 ${r.ok ? 'bg-ok-soft text-ok' : 'bg-bad-soft text-bad'}`}
      >
        {r.ok ? <CircleCheck aria-hidden="true" /> : <CircleX aria-hidden="true" />}
        {r.ok ? 'The model answered' : 'The call failed'} <span className="font-mono text-xs">HTTP {r.status}</span>
      </p>
      <dl className="grid grid-cols-2 gap-px border-line border-b bg-line sm:grid-cols-4">
        {facts.map(([name, value]) => (
          <div key={name} className="bg-raised px-3.5 py-2">
            <dt className="text-fg-3 text-xs">{name}</dt>
            <dd className="num font-semibold text-base">{value}</dd>
          </div>
        ))}
      </dl>
      <pre tabIndex={0} className="scroll-thin max-h-48 overflow-auto whitespace-pre-wrap break-words p-3.5 font-mono text-xs leading-5">
        {r.ok ? r.output_text || 'The answer was empty.' : (r.error ?? 'No reason was given.')}
      </pre>
      {r.request_id && (
        <p className="flex items-center gap-1 border-line border-t px-3.5 py-1.5 text-fg-3 text-xs">
          Request <span className="min-w-0 truncate font-mono">{r.request_id}</span>
          <CopyButton text={r.request_id} label="Copy request ID" />
        </p>
      )}
    </section>
  );
}
