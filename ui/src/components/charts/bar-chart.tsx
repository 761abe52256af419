/** Sums over time, by UTC hours or days. Pointer: hover reads a bar. Keyboard: focus, then arrows move and a live region reads. */
import { type KeyboardEvent, type PointerEvent, useState } from 'react';
import { fmtDayUtc, fmtTimeUtc } from '@/lib/format';
import { niceTicks, useWidth } from './scale';

type Props = {
  label: string;
  buckets: Date[];
  spanMs: number;
  values: number[];
  fmt: (n: number) => string;
  fmtAxis: (n: number) => string;
  height?: number;
};

const MARGIN = { top: 12, right: 4, bottom: 24, left: 60 };
const DAY_MS = 86_400_000;

export function BarChart({ label, buckets, spanMs, values, fmt, fmtAxis, height = 264 }: Props) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const [at, setAt] = useState<number | null>(null);
  const count = buckets.length;
  const innerWidth = Math.max(0, width - MARGIN.left - MARGIN.right);
  const innerHeight = height - MARGIN.top - MARGIN.bottom;
  const step = count ? innerWidth / count : 0;
  const barWidth = Math.max(1, Math.min(28, step * (step > 14 ? 0.68 : 0.76)));
  const ticks = niceTicks(Math.max(...values, 0));
  const top = ticks.at(-1)!;
  const y = (v: number) => innerHeight - (v / top) * innerHeight;

  const labelEvery = Math.max(1, Math.ceil(count / Math.max(2, Math.floor(innerWidth / 76))));
  const heading = (i: number) => {
    const start = buckets[i]!;
    if (spanMs >= DAY_MS) return fmtDayUtc(start);
    return `${fmtDayUtc(start)}, ${fmtTimeUtc(start)} – ${fmtTimeUtc(new Date(start.getTime() + spanMs))}`;
  };
  const unfinished = (i: number) => i === count - 1;
  const read = at !== null && at < count ? at : null;

  function onMove(e: PointerEvent) {
    const x = e.clientX - ref.current!.getBoundingClientRect().left - MARGIN.left;
    setAt(Math.min(count - 1, Math.max(0, Math.floor(x / step))));
  }
  function onKey(e: KeyboardEvent) {
    if (e.key === 'Escape') return setAt(null);
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count }[e.key];
    if (by === undefined) return;
    e.preventDefault();
    setAt((a) => Math.min(count - 1, Math.max(0, (a ?? count - (by < 0 ? 0 : 1)) + by)));
  }

  return (
    <div ref={ref} className="relative w-full select-none" style={{ height }}>
      {width > 0 && (
        <svg
          width={width}
          height={height}
          role="img"
          tabIndex={0}
          aria-label={`${label}. Use left and right arrow keys to read values.`}
          className="block touch-pan-y rounded-md focus-visible:outline-2"
          onPointerMove={onMove}
          onPointerLeave={() => setAt(null)}
          onKeyDown={onKey}
          onBlur={() => setAt(null)}
        >
          <g transform={`translate(${MARGIN.left},${MARGIN.top})`}>
            {ticks.map((t) => (
              <g key={t} transform={`translate(0,${y(t)})`}>
                <line x2={innerWidth} stroke="var(--line)" strokeDasharray={t === 0 ? undefined : '2 4'} />
                <text x={-10} dy="0.32em" textAnchor="end" className="num fill-fg-3 text-2xs">
                  {fmtAxis(t)}
                </text>
              </g>
            ))}
            {buckets.map((b, i) =>
              i % labelEvery === Math.floor(labelEvery / 2) && i * step + 24 < innerWidth ? (
                <text key={b.getTime()} x={i * step + step / 2} y={innerHeight + 17} textAnchor="middle" className="num fill-fg-3 text-2xs">
                  {spanMs >= DAY_MS ? fmtDayUtc(b) : fmtTimeUtc(b)}
                </text>
              ) : null,
            )}
            {read !== null && <rect x={read * step} width={step} height={innerHeight} className="fill-hover" />}
            {values.map((v, i) => {
              const h = innerHeight - y(v);
              if (h < 0.3) return null;
              const x = i * step + (step - barWidth) / 2;
              const r = Math.min(3, barWidth / 3, h);
              return (
                <path
                  key={buckets[i]!.getTime()}
                  fill="var(--c1)"
                  opacity={unfinished(i) ? 0.5 : 1}
                  d={`M${x},${innerHeight}v${-(h - r)}q0,${-r} ${r},${-r}h${barWidth - 2 * r}q${r},0 ${r},${r}v${h - r}z`}
                />
              );
            })}
          </g>
        </svg>
      )}
      {read !== null && (
        <p
          className={`popup pointer-events-none absolute top-1 z-20 flex w-max gap-4 px-2.5 py-2 text-xs ${read * step > innerWidth / 2 ? '-translate-x-full' : ''}`}
          style={{ left: MARGIN.left + read * step + (read * step > innerWidth / 2 ? -8 : step + 8) }}
        >
          <span className="text-fg-2">
            {heading(read)}
            {unfinished(read) ? ', so far' : ''}
          </span>
          <span className="num font-semibold">{fmt(values[read]!)}</span>
        </p>
      )}
      <p className="sr-only" aria-live="polite">
        {read !== null ? `${heading(read)}: ${fmt(values[read]!)}` : ''}
      </p>
    </div>
  );
}
