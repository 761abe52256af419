/** The form of a policy: texts as typed, checked, and turned into what the API takes. Empty means: as the level above says. */
import type { Mistakes } from '@/components/use-form';
import type { Policy, Settings } from '../api/routing';
import { FEATURES, FIGURE_PATHS, type FigurePath, figure, LISTS, type ListName, mistakeIn, toNumber, toText } from './settings-fields';

/** `inherit`: nothing is said here. */
export type Mode = 'inherit' | 'on' | 'off';

export type PolicyValues = Record<FigurePath, string> &
  /** `null`: as the level above says; an empty list: none, whatever it says. */
  Record<ListName, string[] | null> & {
    strategy: NonNullable<Settings['strategy']> | '';
    enable_tag_filtering: '' | 'yes' | 'no';
    tag_match: '' | 'all' | 'any';
    hedge: Mode;
    mirror: Mode;
    'mirror.model': string;
    canary: Mode;
    canary_by: 'deployment_id' | 'tag';
    'canary.deployment_id': string;
    'canary.tag': string;
    queue: Mode;
    active_check: Mode;
    'active_check.kind': 'models' | 'call';
  };

type Bag = Record<string, unknown>;

/** The value at `hedge.percentile` and the like. */
export function at(settings: Settings, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Bag | null | undefined)?.[name], settings);
}

export function toValues(s: Settings): PolicyValues {
  const figures = Object.fromEntries(
    FIGURE_PATHS.map((path) => [path, toText(at(s, path) as number | undefined, figure(path).unit)]),
  ) as Record<FigurePath, string>;
  const lists = Object.fromEntries(LISTS.map((name) => [name, s[name] ?? null])) as Record<ListName, string[] | null>;
  const mode = (there: unknown, off: boolean): Mode => (there == null ? 'inherit' : off ? 'off' : 'on');
  return {
    ...figures,
    ...lists,
    strategy: s.strategy ?? '',
    enable_tag_filtering: s.enable_tag_filtering == null ? '' : s.enable_tag_filtering ? 'yes' : 'no',
    tag_match: s.tag_match ?? '',
    hedge: mode(s.hedge, s.hedge?.enabled === false),
    mirror: mode(s.mirror, false),
    'mirror.model': s.mirror?.model ?? '',
    canary: mode(s.canary, false),
    canary_by: s.canary?.tag ? 'tag' : 'deployment_id',
    'canary.deployment_id': s.canary?.deployment_id ?? '',
    'canary.tag': s.canary?.tag ?? '',
    queue: mode(s.queue, s.queue?.max_wait_ms === 0),
    active_check: mode(s.active_check, false),
    'active_check.kind': s.active_check?.kind ?? 'models',
  };
}

/** A figure counts only where the part of the policy that it belongs to is on. */
const counts = (v: PolicyValues, path: FigurePath) => {
  const feature = FEATURES.find((name) => path.startsWith(`${name}.`));
  return !feature || v[feature] === 'on';
};

export function checkPolicy(v: PolicyValues): Mistakes<PolicyValues> {
  const found: Mistakes<PolicyValues> = {};
  for (const path of FIGURE_PATHS) {
    const mistake = counts(v, path) && mistakeIn(v[path], figure(path));
    if (mistake) found[path] = mistake;
  }
  if (v.mirror === 'on' && !v['mirror.model'].trim()) found['mirror.model'] = 'Choose the group that gets the copies';
  if (v.canary === 'on' && !v[`canary.${v.canary_by}`].trim())
    found[`canary.${v.canary_by}`] = v.canary_by === 'tag' ? 'Give the tag of what is on trial' : 'Choose the deployment on trial';
  return found;
}

export function toSettings(v: PolicyValues): Settings {
  const s: Bag = {};
  const put = (path: string, value: unknown) => {
    const [name, inner] = path.split('.') as [string, string | undefined];
    if (value === undefined) return;
    if (inner === undefined) s[name] = value;
    else s[name] = { ...(s[name] as Bag | undefined), [inner]: value };
  };
  put('strategy', v.strategy || undefined);
  put('enable_tag_filtering', v.enable_tag_filtering ? v.enable_tag_filtering === 'yes' : undefined);
  put('tag_match', v.tag_match || undefined);
  for (const name of LISTS) put(name, v[name] ?? undefined);
  if (v.hedge !== 'inherit') put('hedge.enabled', v.hedge === 'on');
  if (v.mirror === 'on') put('mirror.model', v['mirror.model'].trim());
  if (v.canary === 'on') put(`canary.${v.canary_by}`, v[`canary.${v.canary_by}`].trim());
  if (v.queue === 'off') put('queue.max_wait_ms', 0);
  if (v.active_check === 'on') put('active_check.kind', v['active_check.kind']);
  for (const path of FIGURE_PATHS) if (counts(v, path)) put(path, toNumber(v[path], figure(path).unit));
  return s as Settings;
}

/**
 * What would hold if the dashboard said nothing: for a group config.yaml over the router, for the router config.yaml over the
 * defaults, which show wherever nothing was set over them.
 */
export function below(policy: Policy, router: Policy): Settings {
  const said = (s: Settings | null) => Object.fromEntries(Object.entries(s ?? {}).filter(([, value]) => value != null)) as Settings;
  if (policy.model_name !== null) return { ...said(router.effective), ...said(policy.config) };
  const set = said(policy.database);
  const defaults = Object.fromEntries(Object.entries(said(policy.effective)).filter(([name]) => !(name in set))) as Settings;
  return { ...defaults, ...said(policy.config) };
}
