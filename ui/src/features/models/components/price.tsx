import { Badge } from '@/components/ui/badge';
import { Tip } from '@/components/ui/tooltip';
import { perMillion, withCents } from '@/lib/decimal';
import type { Deployment } from '../api/models';

const ORIGIN = { catalog: 'From the price catalogue', override: 'Set for this deployment', unpriced: '', free: '' };

/** USD per million tokens, or in so many words that nothing is known. */
export function Price({ d }: { d: Deployment }) {
  if (d.price_state === 'free') return <Badge tone="ok">Free</Badge>;
  const input = d.input_cost_per_token ? perMillion(d.input_cost_per_token) : null;
  const output = d.output_cost_per_token ? perMillion(d.output_cost_per_token) : null;
  if (d.price_state === 'unpriced' || (input === null && output === null))
    return (
      <Tip label="No price is known for this model: its calls are counted, their cost is not.">
        <button type="button" className="cursor-default rounded-md">
          <Badge tone="warn">Unpriced</Badge>
        </button>
      </Tip>
    );
  return (
    <Tip label={`${ORIGIN[d.price_state]}, USD per million tokens: input / output`}>
      <button type="button" className="num cursor-default whitespace-nowrap rounded-md">
        {input === null ? '–' : `$${withCents(input)}`} <span className="text-fg-3">/</span>{' '}
        {output === null ? '–' : `$${withCents(output)}`}
      </button>
    </Tip>
  );
}
