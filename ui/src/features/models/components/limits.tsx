import { fmtCompact, fmtInt, plural } from '@/lib/format';
import type { Deployment } from '../api/models';

export const hasLimits = (d: Deployment) => d.rpm != null || d.tpm != null || d.max_parallel_requests != null;

/** What a deployment can take, as far as somebody said. */
export function Limits({ d }: { d: Deployment }) {
  if (!hasLimits(d)) return <span className="text-fg-3">–</span>;
  const rates = [d.rpm != null && `${fmtCompact(d.rpm)} rpm`, d.tpm != null && `${fmtCompact(d.tpm)} tpm`].filter(Boolean);
  const words = [
    d.rpm != null && `${fmtInt(d.rpm)} requests per minute`,
    d.tpm != null && `${fmtInt(d.tpm)} tokens per minute`,
    d.max_parallel_requests != null && `${plural(d.max_parallel_requests, 'request')} at a time`,
  ].filter(Boolean);
  return (
    <span className="num block whitespace-nowrap text-fg-2" title={words.join(', ')}>
      {rates.length > 0 && <span className="block">{rates.join(' · ')}</span>}
      {d.max_parallel_requests != null && <span className="block text-fg-3 text-xs">{`${fmtInt(d.max_parallel_requests)} at a time`}</span>}
    </span>
  );
}
