import { fmtCompact, fmtInt, fmtPct, fmtUsd, fmtUsdAxis } from '@/lib/format';
import type { SpendRow } from '../api/summary';

type Definition = {
  label: string;
  /** What a bar of the chart counts. */
  value: (t: SpendRow) => number;
  fmt: (n: number) => string;
  axis: (n: number) => string;
  head: (t: SpendRow) => string;
  /** Compared with the range before; a share for errors, so that more traffic is not more trouble. */
  compare: (t: SpendRow) => number;
  lessIsBetter?: boolean;
};

const tokens = (t: SpendRow) => t.input_tokens + t.output_tokens;
const errorRate = (t: SpendRow) => (t.requests ? t.errors / t.requests : 0);

export const METRIC_IDS = ['spend', 'requests', 'tokens', 'errors'] as const;
export type Metric = (typeof METRIC_IDS)[number];

export const METRICS: Record<Metric, Definition> = {
  spend: {
    label: 'Spend',
    value: (t) => Number(t.spend_usd),
    fmt: fmtUsd,
    axis: fmtUsdAxis,
    head: (t) => fmtUsd(t.spend_usd),
    compare: (t) => Number(t.spend_usd),
  },
  requests: {
    label: 'Requests',
    value: (t) => t.requests,
    fmt: fmtInt,
    axis: fmtCompact,
    head: (t) => fmtCompact(t.requests),
    compare: (t) => t.requests,
  },
  tokens: { label: 'Tokens', value: tokens, fmt: fmtInt, axis: fmtCompact, head: (t) => fmtCompact(tokens(t)), compare: tokens },
  errors: {
    label: 'Errors',
    value: (t) => t.errors,
    fmt: fmtInt,
    axis: fmtCompact,
    head: (t) => fmtPct(errorRate(t), t.errors && errorRate(t) < 0.1 ? 2 : 1),
    compare: errorRate,
    lessIsBetter: true,
  },
};
