import { queryOptions, useQuery } from '@tanstack/react-query';
import { ApiError, body, client, type Schemas, setReauthenticate } from '@/lib/client';
import { queryClient } from '@/lib/query';

export type Me = Schemas['Me'];
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
  return (await body(client.POST('/api/v1/session', { body: credentials as Schemas['SignIn'] }))).user;
}

export async function signOut() {
  setReauthenticate(null);
  await body(client.DELETE('/api/v1/session')).catch((e) => {
    if (!(e instanceof ApiError && e.status === 401)) throw e;
  });
  queryClient.clear();
}

export const changePassword = (change: Schemas['ChangePassword']) => body(client.PUT('/api/v1/me/password', { body: change }));
