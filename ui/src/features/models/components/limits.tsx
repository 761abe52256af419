import { fmtCompact, fmtInt, plural } from '@/lib/format';
import type { Deployment } from '../api/models';

/** What a deployment can take, as far as somebody said. */
export function Limits({ d }: { d: Deployment }) {
  const parts = [
    d.rpm != null && { short: `${fmtCompact(d.rpm)} rpm`, long: `${fmtInt(d.rpm)} requests per minute` },
    d.tpm != null && { short: `${fmtCompact(d.tpm)} tpm`, long: `${fmtInt(d.tpm)} tokens per minute` },
    d.max_parallel_requests != null && {
      short: `${fmtCompact(d.max_parallel_requests)} at a time`,
      long: `${plural(d.max_parallel_requests, 'request')} at a time`,
    },
  ].filter((part) => part !== false);
  if (!parts.length) return <span className="text-fg-3">–</span>;
  return (
    <span className="num whitespace-nowrap text-fg-2" title={parts.map((part) => part.long).join(', ')}>
      {parts.map((part) => part.short).join(' · ')}
    </span>
  );
}
