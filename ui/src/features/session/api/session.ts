import { queryOptions, useQuery } from '@tanstack/react-query';
import { ApiError, body, client, type Schemas, setReauthenticate } from '@/lib/client';

export type Me = Schemas['MeView'];
export type Credentials = { email: string; password: string } | { master_key: string };

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: () => body(client.GET('/api/v1/me')),
  staleTime: 5 * 60_000,
});

/** Only below the signed-in layout, which has loaded it. */
export const useMe = (): Me => useQuery(meQuery).data!;
export const useCanEdit = () => useMe().user.role === 'admin';

export async function signIn(credentials: Credentials) {
  return (await body(client.POST('/api/v1/session', { body: credentials as Schemas['LoginDraft'] }))).user;
}

export async function signOut() {
  setReauthenticate(null);
  await body(client.DELETE('/api/v1/session')).catch((e) => {
    if (!(e instanceof ApiError && e.status === 401)) throw e;
  });
}

export const changePassword = (change: Schemas['PasswordDraft']) => body(client.PUT('/api/v1/me/password', { body: change }));
