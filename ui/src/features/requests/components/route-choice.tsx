import { Check } from 'lucide-react';
import { Said } from '@/components/said';
import { Badge } from '@/components/ui/badge';
import { cn } from '@/lib/cn';
import { fmtInt, fmtMs } from '@/lib/format';
import type { Explain } from '../api/requests';

type Choice = Explain['choices'][number];

const FALLBACK: Record<string, string> = {
  general: 'Fallback',
  context_window: 'Fallback for long prompts',
  content_policy: 'Fallback for refused content',
};

/** One choice among the deployments of a group, with what was weighed. */
export function RouteChoice({ choice: c }: { choice: Choice }) {
  const scored = c.candidates.some((d) => d.score != null);
  const cell = 'border-line border-t px-3 py-2 align-top';
  return (
    <li className="card overflow-hidden">
      <div className="px-3 py-2.5">
        <p className="flex flex-wrap items-center gap-1.5">
          <span className="min-w-0 break-all font-medium">{c.model}</span>
          <Badge>{c.strategy}</Badge>
          {c.fallback && <Badge tone="warn">{FALLBACK[c.fallback] ?? c.fallback}</Badge>}
          <span className="num ml-auto text-fg-3 text-xs">{`at ${fmtMs(c.at_us / 1000)}`}</span>
        </p>
        <p className="mt-1 text-fg-2">
          <Said text={c.sentence} />
        </p>
      </div>
      {c.candidates.length > 0 && (
        <table className="w-full border-separate border-spacing-0" aria-label={`Candidates of ${c.model}`}>
          <thead className="text-left text-fg-3 text-xs">
            <tr>
              <th scope="col" className={cn(cell, 'font-medium')}>
                Deployment
              </th>
              {scored && (
                <th scope="col" className={cn(cell, 'text-right font-medium')}>
                  Score
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {c.candidates.map((d) => (
              <tr key={d.deployment.id} className={d.is_chosen ? 'bg-ok-soft/40' : undefined}>
                <td className={cell}>
                  <p className="flex items-center gap-1.5">
                    <span className={cn('min-w-0 break-all font-mono text-xs', d.is_chosen && 'font-semibold')}>{d.deployment.label}</span>
                    {d.is_chosen && (
                      <Badge tone="ok">
                        <Check className="size-3" aria-hidden="true" /> Chosen
                      </Badge>
                    )}
                    {d.skipped && <Badge tone="warn">{d.skipped.replaceAll('_', ' ')}</Badge>}
                  </p>
                  <p className="mt-0.5 text-fg-2 text-xs">
                    <Said text={d.sentence} />
                  </p>
                </td>
                {scored && <td className={cn(cell, 'num text-right')}>{d.score == null ? '–' : fmtInt(d.score)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(c.omitted > 0 || (scored && c.score_meaning)) && (
        <p className="border-line border-t px-3 py-2 text-fg-3 text-xs">
          {scored && c.score_meaning && `Score: ${c.score_meaning}; lower is better. `}
          {c.omitted > 0 && `${fmtInt(c.omitted)} more were there.`}
        </p>
      )}
    </li>
  );
}
