import { Activity, Boxes, Fingerprint, KeyRound, LayoutDashboard, Route, UserRound, UsersRound } from 'lucide-react';

/** Only pages that work stand here. */
export const NAV = [
  {
    group: 'Observe',
    items: [
      { to: '/', label: 'Overview', icon: LayoutDashboard },
      { to: '/requests', label: 'Requests', icon: Activity },
    ],
  },
  {
    group: 'Gateway',
    items: [
      { to: '/models', label: 'Models', icon: Boxes },
      { to: '/routing', label: 'Routing', icon: Route },
      { to: '/credentials', label: 'Credentials', icon: Fingerprint },
    ],
  },
  {
    group: 'Access',
    items: [
      { to: '/keys', label: 'API keys', icon: KeyRound },
      { to: '/teams', label: 'Teams', icon: UsersRound },
      { to: '/users', label: 'Users', icon: UserRound },
    ],
  },
] as const;
