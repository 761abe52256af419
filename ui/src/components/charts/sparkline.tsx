type Props = { values: number[]; label: string; strong?: boolean; width?: number; height?: number };

export function Sparkline({ values, label, strong, width = 72, height = 24 }: Props) {
  const max = Math.max(...values);
  if (values.length < 2 || max <= 0) return null;
  const points = values.map(
    (v, i) => `${((i / (values.length - 1)) * (width - 2) + 1).toFixed(1)},${(height - 2 - (v / max) * (height - 4)).toFixed(1)}`,
  );
  const tone = strong ? 'var(--c1)' : 'var(--fg-3)';
  return (
    <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={label} className="block overflow-visible">
      {strong && <path d={`M1,${height - 1}L${points.join('L')}L${width - 1},${height - 1}Z`} fill={tone} opacity={0.12} />}
      <path d={`M${points.join('L')}`} fill="none" stroke={tone} strokeWidth={1.5} strokeLinejoin="round" strokeLinecap="round" />
    </svg>
  );
}
