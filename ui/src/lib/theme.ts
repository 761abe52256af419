import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const listeners = new Set<() => void>();
const media = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
  const value = localStorage.getItem('theme');
  return value === 'light' || value === 'dark' ? value : 'system';
}

function apply() {
  const theme = stored();
  const dark = theme === 'dark' || (theme === 'system' && media?.matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  for (const listener of listeners) listener();
}
media?.addEventListener('change', apply);

export function setTheme(theme: Theme) {
  localStorage.setItem('theme', theme);
  apply();
}

export const useTheme = () =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, stored);
