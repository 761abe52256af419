import { useEffect, useState } from 'react';

/** The value once it has rested: a search box asks the server when typing pauses, not per letter. */
export function useDebounced<T>(value: T, delayMs = 220): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), delayMs);
    return () => clearTimeout(timer);
  }, [value, delayMs]);
  return rested;
}
