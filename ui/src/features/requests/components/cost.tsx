import { fmtUsd } from '@/lib/format';
import type { RequestRow } from '../api/requests';

/** No price is not the price zero; a call that failed before it cost anything has neither. */
export function Cost({ r }: { r: RequestRow }) {
  if (r.cost_usd != null) return fmtUsd(r.cost_usd);
  return <span className="text-fg-3">{r.price_state === 'unpriced' && r.status < 400 ? 'Unpriced' : '–'}</span>;
}
