/** The form of a simulation: traffic and what is assumed of deployments, as typed, checked, and as the API takes it. */
import type { Mistakes } from '@/components/use-form';
import type { Settings, SimulationDraft } from '../api/routing';
import { mistakeIn, toNumber } from './settings-fields';

/** What is assumed of one deployment; empty: as it is on record. */
export type Assumed = { fails: string; latency: string };

export type SimulateValues = {
  traffic: 'synthetic' | 'recorded';
  rate: string;
  duration: string;
  streams: string;
  /** By the deployment's id. */
  assumed: Record<string, Assumed>;
};

export const EMPTY: SimulateValues = { traffic: 'synthetic', rate: '5', duration: '300', streams: '50', assumed: {} };

const isRate = (text: string) => /^\d+(\.\d+)?$/.test(text.trim()) && Math.round(Number(text) * 60) >= 1;
const isPercent = (text: string) => mistakeIn(text, { label: '', unit: 'percent' }) === undefined && Number(text) <= 100;

export function checkSimulation(v: SimulateValues): Mistakes<SimulateValues> {
  const found: Mistakes<SimulateValues> = {};
  if (v.traffic === 'synthetic') {
    if (!isRate(v.rate)) found.rate = 'Write requests per second, such as 5 or 0.2';
    const duration = mistakeIn(v.duration, { label: '', unit: 'seconds', needed: 'Write seconds, such as 300' });
    if (duration) found.duration = duration;
    if (!isPercent(v.streams)) found.streams = 'Write 0 to 100';
  }
  for (const { fails, latency } of Object.values(v.assumed)) {
    if (!isPercent(fails)) found.assumed = 'Failures are a whole number of percent, 0 to 100';
    else if (mistakeIn(latency, { label: '', unit: 'ms' })) found.assumed = 'A time is whole milliseconds';
  }
  return found;
}

// The schema gives each field a default, which makes the generated type ask for all of them; the service does not.
type Whole = NonNullable<SimulationDraft['deployments']>;
type Assumption = Partial<Whole[number]>;

/** A mean says nothing about the slow ones, nor about the first content: twice and half of it are taken. */
function assumption(id: string, { fails, latency }: Assumed): Assumption {
  const mean = toNumber(latency, 'ms');
  const percent = toNumber(fails, 'percent');
  return {
    id,
    ...(mean !== undefined && {
      total: { mean_ms: mean, p95_ms: mean * 2 },
      first_token: { mean_ms: Math.round(mean / 2), p95_ms: mean },
    }),
    ...(percent !== undefined && { failures: percent > 0 ? [{ fault: 'server', percent }] : [] }),
  };
}

/** `deployments`: all that take part, since a list takes the place of the group's own. */
export function toSimulation(v: SimulateValues, group: string, deployments: string[], settings: Settings): SimulationDraft {
  const says = (id: string) => v.assumed[id]?.fails.trim() || v.assumed[id]?.latency.trim();
  return {
    model_name: group,
    settings,
    samples: 0,
    traffic:
      v.traffic === 'recorded'
        ? { kind: 'recorded' }
        : {
            kind: 'synthetic',
            requests_per_minute: Math.round(Number(v.rate) * 60),
            duration_ms: toNumber(v.duration, 'seconds') ?? 0,
            stream_percent: toNumber(v.streams, 'percent') ?? 0,
          },
    ...(deployments.some(says) && { deployments: deployments.map((id) => (says(id) ? assumption(id, v.assumed[id]!) : { id })) as Whole }),
  };
}
