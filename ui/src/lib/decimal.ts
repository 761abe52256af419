/** Money travels as decimal text. These move the point without going through a float, so that a price shown is the price stored. */

const SHAPE = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i;

/** `value` × 10^`places`, exact. Null when `value` is not a decimal number. */
export function shiftDecimal(value: string, places: number): string | null {
  const m = SHAPE.exec(value.trim());
  if (!m || !(m[2] || m[3])) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = m;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent) + places;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = point <= 0 ? 1 : point;
  const left = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const right = padded.slice(at).replace(/0+$/, '');
  const text = right ? `${left}.${right}` : left;
  return sign === '-' && /[1-9]/.test(text) ? `-${text}` : text;
}

/** Price of one token → price of a million, the way price lists are written. */
export const perMillion = (perToken: string) => shiftDecimal(perToken, 6);
/** For reading: a price keeps at least its cents. */
export const withCents = (price: string) => {
  const [whole, fraction = ''] = price.split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
};
export const perToken = (perMillionTokens: string) => shiftDecimal(perMillionTokens, -6);
